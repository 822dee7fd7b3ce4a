/** What is wrong with files of a registry: nothing of them is written. */
import { nearest } from '@millrace/core/spec/nearest.ts';
import { type Problem, problemText } from '@millrace/core/spec/problem.ts';

/** How many problems a message shows. */
const MAX_SHOWN = 50;

/** All problems of all files, each with file, line, what was found and what is allowed. */
export class RegistryError extends Error {
  override name = 'RegistryError';

  constructor(problems: readonly Problem[]) {
    const left = problems.length - MAX_SHOWN;
    super([...problems.slice(0, MAX_SHOWN).map(problemText), ...(left > 0 ? [`and ${left} other problems`] : [])].join('\n'));
  }
}

/** Names to choose from, the one that was probably meant first. */
export function namesFor(found: string, names: readonly string[]): string {
  const meant = nearest(found, names);
  const some = names.length > 20 ? [...names.slice(0, 20), `and ${names.length - 20} more`] : names;
  return `${meant === null ? '' : `${meant}? One of `}${some.join(', ') || '(none)'}`;
}
