/** The tag of the image of these sources: the same for the same content, another for any other, so that a pod never runs what was there before. */
import { createHash } from 'node:crypto';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** @param root of the checkout, whose .dockerignore says what the image is made from */
export function imageTag(root: string): string {
  const hash = createHash('sha256');
  for (const file of imageFiles(root)) hash.update(JSON.stringify([file, readFileSync(join(root, file), 'base64')]));
  return hash.digest('hex').slice(0, 12);
}

/** Relative paths, sorted. */
export function imageFiles(root: string): string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && line !== '*');
  const taken = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const left = lines.filter((line) => !line.startsWith('!'));
  const files = globSync(['Dockerfile', '.dockerignore', ...taken.flatMap((name) => [name, `${name}/**`])], {
    cwd: root,
    exclude: ['**/node_modules/**', ...left.flatMap((name) => [name, `${name}/**`])],
  });
  return [...new Set(files)].filter((file) => statSync(join(root, file)).isFile()).toSorted();
}
