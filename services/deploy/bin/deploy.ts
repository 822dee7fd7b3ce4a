/** `make deploy`, `undeploy`, `status`, `logs` and `port-forward`: what they are told stands in the environment (`src/options.ts`). */
import { resolve } from 'node:path';
import type { Tools } from '../src/clusters/cluster.ts';
import { run } from '../src/command.ts';
import { type Options, optionsFrom } from '../src/options.ts';
import { Refused } from '../src/refused.ts';

type Command = (options: Options, tools: Tools) => Promise<void>;

/** Each loads only what it needs: making manifests takes longer to load than all the rest. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  deploy: async () => (await import('../src/commands/deploy.ts')).deployCommand,
  undeploy: async () => (await import('../src/commands/undeploy.ts')).undeployCommand,
  status: async () => (await import('../src/commands/status.ts')).statusCommand,
  logs: async () => (await import('../src/commands/logs.ts')).logsCommand,
  'port-forward': async () => (await import('../src/commands/portForward.ts')).portForwardCommand,
};

const [name = ''] = process.argv.slice(2);
const started = performance.now();
const say = (line: string): void =>
  void process.stdout.write(`${`${((performance.now() - started) / 1_000).toFixed(1)} s`.padStart(8)}  ${line}\n`);

try {
  const load = COMMANDS[name];
  if (!load) throw new Refused([`${JSON.stringify(name)} is no command; allowed is ${Object.keys(COMMANDS).join(', ')}`]);
  const options = optionsFrom(process.env);
  await (await load())(options, { run, say, root: resolve(import.meta.dirname, '../../..') });
} catch (error) {
  process.stderr.write(`\nmillrace: ${(error as Error).message}\n`);
  process.exitCode = error instanceof Refused || (error as Error).name === 'SpecError' ? 2 : 1;
}
