/** The machine's Java: where it is and which version. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const oldestMajor = 17;

export interface Java {
  command: string;
  /** As it names itself, such as `17.0.15+6-Debian-1deb12u1`. */
  version: string;
}

/** Finds Java (JAVA_HOME first, then PATH). Throws a sentence that says what to install when it is missing or too old. */
export async function findJava(): Promise<Java> {
  const home = process.env.JAVA_HOME;
  const command = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const text = await promisify(execFile)(command, ['-version'], { timeout: 30_000 }).then(
    ({ stderr, stdout }) => stderr + stdout,
    (error: Error) => {
      throw new Error(`Kafka needs Java ${oldestMajor} or newer, and \`${command} -version\` failed: ${error.message.trim()}`);
    },
  );
  const major = majorOf(text);
  if (major === undefined) throw new Error(`\`${command} -version\` says ${JSON.stringify(text)}, which names no Java version`);
  if (major < oldestMajor) throw new Error(`Kafka needs Java ${oldestMajor} or newer; \`${command}\` is Java ${major}`);
  return { command, version: /\(build ([^),]+)/.exec(text)?.[1] ?? String(major) };
}

/** The major version in what `java -version` prints: 8 for `1.8.0_372`, 17 for `17.0.15`, 25 for `25-ea`. */
export function majorOf(text: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
