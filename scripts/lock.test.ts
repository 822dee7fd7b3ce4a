import { globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Package {
  link?: boolean;
  /** Comes inside of another package, whose content is named. */
  inBundle?: boolean;
  resolved?: string;
  integrity?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const read = (file: string): Package & { packages: Record<string, Package> } =>
  JSON.parse(readFileSync(join(root, file), 'utf8'));
const declared = ({ dependencies = {}, devDependencies = {}, optionalDependencies = {} }: Package) => ({
  dependencies,
  devDependencies,
  optionalDependencies,
});

describe.each(['package-lock.json', 'scripts/node/package-lock.json', 'scripts/helm/package-lock.json'])('%s', (file) => {
  const folder = dirname(file);
  const { packages } = read(file);
  const manifests = globSync(
    ['package.json', 'services/*/package.json', 'cdk8s/package.json', 'e2e/package.json', 'bench/package.json'],
    {
      cwd: join(root, folder),
    },
  );

  test.each(manifests)('has what %s declares', (manifest) => {
    expect(packages[dirname(manifest) === '.' ? '' : dirname(manifest)], `run npm install, and commit ${file}`).toBeDefined();
    expect(declared(packages[dirname(manifest) === '.' ? '' : dirname(manifest)] ?? {})).toEqual(
      declared(read(join(folder, manifest))),
    );
  });

  test('names no registry, and the content of every package', () => {
    const fetched = Object.entries(packages).filter(
      ([path, { link, inBundle }]) => path.includes('node_modules/') && link !== true && inBundle !== true,
    );
    expect(fetched.length).toBeGreaterThan(0);
    expect(fetched.filter(([, { resolved, integrity }]) => resolved !== undefined || !integrity?.startsWith('sha512-'))).toEqual(
      [],
    );
  });
});

test('every dependency has an exact version', () => {
  const ranges = globSync(
    ['package.json', 'services/*/package.json', 'cdk8s/package.json', 'e2e/package.json', 'scripts/*/package.json'],
    {
      cwd: root,
    },
  )
    .flatMap((manifest) => Object.values(declared(read(manifest))).flatMap((each) => Object.entries(each)))
    .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  expect(ranges).toEqual([]);
});
