/**
 * Bundles the command line for the image: `node scripts/bundle.ts FOLDER` writes millrace.js, what it loads later, and the
 * licences of what is in it. A process of the bundle is ready in half the time of one of the sources, takes a third of
 * the CPU for it, and holds a third less (docs/decisions/0027-roles-as-pods.md).
 *
 * Invariant: what belongs on a laptop is not in it: the servers of `millrace run` and what makes manifests. The commands
 * that want it say so.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { rolldown } from 'rolldown';

const ROOT = resolve(import.meta.dirname, '..');
const LEFT_OUT = [/^@millrace\/embedded\/(kafka|postgres)\.ts$/, /^@millrace\/cdk8s\//];

/** Writes the bundle into the folder, which is emptied first. @returns the packages in it, as `name version` */
export async function bundle(folder: string): Promise<string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const build = await rolldown({
    cwd: ROOT,
    input: 'services/cli/bin/millrace.ts',
    platform: 'node',
    external: LEFT_OUT,
  });
  const { output } = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: 'millrace.js',
    chunkFileNames: 'chunks/[name]-[hash].js',
  });
  await build.close();
  const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
  const packages = packagesOf(modules);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(join(folder, 'LICENSE'), readFileSync(join(ROOT, 'LICENSE')));
  writeFileSync(join(folder, 'LICENSES-OF-OTHERS'), [...packages.values()].join('\n'));
  return [...packages.keys()].toSorted();
}

/** The text of each package's licence by `name version`, of the packages that these files are from. */
function packagesOf(files: readonly string[]): Map<string, string> {
  const folders = new Set(files.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []));
  const found = new Map<string, string>();
  for (const folder of [...folders].toSorted()) {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = globSync('{LICENSE,LICENCE,License,license,NOTICE}*', { cwd: folder }).map((file) =>
      readFileSync(join(folder, file), 'utf8'),
    );
    found.set(`${name} ${version}`, `=== ${name} ${version} (${license})\n\n${texts.join('\n')}`);
  }
  return found;
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) throw new Error('give the folder for the bundle; what is in it is removed');
  const packages = await bundle(resolve(folder));
  process.stdout.write(`bundled into ${folder} with ${packages.length} packages: ${packages.join(', ')}\n`);
}
