/**
 * Jars from Maven Central by a pinned pom: Apache Kafka's, by the one beside this package, unless another is named.
 *
 * Invariants:
 * - A jar is used only when its sha256 is in the committed list; a jar too many or too few is an error, too.
 * - The folder appears by one rename, whole and checked, or not at all; a claim keeps a second process from fetching as well.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { waitForClaim } from './claim.ts';

/** The version in kafka/pom.xml; a test holds the two together. */
export const kafkaVersion = '4.3.1';
/** The pom, the checksums and the broker's log settings. */
export const kafkaSources = resolve(import.meta.dirname, '../kafka');

const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies';
const fetchTimeoutMs = 10 * 60_000;

export interface JarsPlan {
  /** The folder that gets `lib/`. */
  folder: string;
  /** Lines of `sha256  name`, as sha256sum prints them. */
  checksums: string;
  /** What they are, for people; default: this Kafka. */
  name?: string;
  /** Folder with `pom.xml` and `jars.sha256`; default: Kafka's. */
  sources?: string;
  /** Puts jars into a folder; the default asks Maven. */
  fetch?: (into: string) => Promise<void>;
  say: (line: string) => void;
}

/** Gives the folder of checked jars, fetching them where they are missing or were checked against another list. */
export async function ensureJars(plan: JarsPlan): Promise<string> {
  const lib = join(plan.folder, 'lib');
  const { name = `Apache Kafka ${kafkaVersion} from Maven Central (44 MB, only once)`, sources = kafkaSources } = plan;
  if (await isCurrent(lib, plan.checksums)) return lib;
  await mkdir(plan.folder, { recursive: true });
  const release = await waitForClaim(join(plan.folder, 'fetch.lock'), fetchTimeoutMs, ({ pid }) =>
    plan.say(`Waiting for process ${pid}, which is fetching ${name}`),
  );
  try {
    if (await isCurrent(lib, plan.checksums)) return lib;
    plan.say(`Fetching ${name}`);
    const fresh = join(plan.folder, 'lib.fetching');
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh);
    await (plan.fetch ?? ((into) => fetchByMaven(join(sources, 'pom.xml'), into)))(fresh);
    const wrong = await mistakes(fresh, parseChecksums(plan.checksums));
    if (wrong.length > 0) {
      await rm(fresh, { recursive: true, force: true });
      throw new Error(`the jars are not those of ${join(sources, 'jars.sha256')}, so none is used: ${wrong.join('; ')}`);
    }
    await writeFile(join(fresh, 'checked.sha256'), plan.checksums);
    await rm(lib, { recursive: true, force: true });
    await rename(fresh, lib);
    return lib;
  } finally {
    release();
  }
}

async function isCurrent(lib: string, checksums: string): Promise<boolean> {
  return (await readFile(join(lib, 'checked.sha256'), 'utf8').catch(() => undefined)) === checksums;
}

/** Name to sha256. Throws on a line that is not `<64 hex digits>  <name>.jar`. */
export function parseChecksums(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line): [string, string] => {
      const [, sum, name] = /^([0-9a-f]{64}) {2}([\w.+-]+\.jar)$/.exec(line) ?? [];
      if (sum === undefined || name === undefined)
        throw new Error(`jars.sha256: ${JSON.stringify(line)} is not "<sha256>  <name>.jar"`);
      return [name, sum];
    }),
  );
}

/** What differs between the jars of a folder and the expected sums, one sentence each. */
async function mistakes(folder: string, expected: Map<string, string>): Promise<string[]> {
  const found = await readdir(folder);
  const missing = [...expected.keys()].filter((name) => !found.includes(name)).map((name) => `${name} is missing`);
  const wrong: string[] = [];
  for (const name of found) {
    const want = expected.get(name);
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    const got = hash.digest('hex');
    if (want === undefined) wrong.push(`${name} is not on the list`);
    else if (want !== got) wrong.push(`${name} has sha256 ${got} instead of ${want}`);
  }
  return [...missing, ...wrong];
}

function fetchByMaven(pom: string, into: string): Promise<void> {
  const args = ['-q', '-B', '-f', pom, goal, '-DincludeScope=runtime', `-DoutputDirectory=${into}`];
  return new Promise((resolve, reject) => {
    const child = spawn('mvn', args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: fetchTimeoutMs });
    let tail = '';
    const keep = (chunk: Buffer) => {
      tail = (tail + chunk.toString()).slice(-2_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => reject(new Error(`jars are fetched by Maven, and \`mvn\` does not start: ${error.message}`)));
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`Maven could not fetch the jars of ${pom} (${signal ?? `exit code ${code}`}): ${tail.trim()}`));
    });
  });
}
