/** Builds with Docker, which kind, minikube and a registry take images from. */
import { BUILD_MS, QUESTION_MS, type Tools } from './cluster.ts';

/** Builds the image of this checkout, unless Docker has one of this name, which says what is in it. @throws CommandFailed */
export async function buildWithDocker(image: string, { run, say, root }: Tools): Promise<void> {
  const there = await run(['docker', 'images', '--quiet', image], { withinMs: QUESTION_MS });
  if (there.trim() !== '') return;
  say(`building ${image}`);
  await run(['docker', 'build', '--quiet', '--tag', image, root], { withinMs: BUILD_MS });
}
