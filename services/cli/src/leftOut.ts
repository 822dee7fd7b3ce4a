/**
 * Modules of a part that an image leaves out (scripts/bundle.ts).
 * @throws Error with the sentence where they are not there
 */
export async function orLeftOut<T>(modules: Promise<T>, sentence: string): Promise<T> {
  try {
    return await modules;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(sentence, { cause: error });
  }
}
