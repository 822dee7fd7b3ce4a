import { readFileSync } from 'node:fs';
import { createLog } from '@millrace/core/log.ts';
import { type Command, Option } from 'commander';
import { UsageError } from '../usage.ts';

/** Less than the Job's deadline, so that the sentence and not the deadline ends it. */
const WAIT_MS = 540_000;

/** `millrace bootstrap --plan FILE`: what the platform's Job runs, once before anything else. */
export function addBootstrap(program: Command): void {
  program
    .command('bootstrap')
    .description("make the platform's certificates, passwords, Kafka users and database roles, where they are missing")
    .addOption(new Option('--plan <file>', 'what to make; the platform has it as a ConfigMap').makeOptionMandatory())
    .action(run);
}

async function run({ plan: file }: { plan: string }): Promise<void> {
  // Loaded only here: the Kubernetes client takes half a second.
  const [{ bootstrap }, { bootstrapPlan }, { openSecretStore }] = await Promise.all([
    import('@millrace/bootstrap/bootstrap.ts'),
    import('@millrace/bootstrap/plan.ts'),
    import('@millrace/bootstrap/secretStore.ts'),
  ]);
  const parsed = bootstrapPlan.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new UsageError(`${file} is not a plan of \`millrace render platform\`: ${parsed.error.message}`);
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort(new Error('ended by SIGTERM')));
  const { namespace, labels } = parsed.data;
  await bootstrap(parsed.data, {
    store: openSecretStore(namespace, labels),
    waitMs: WAIT_MS,
    signal: stop.signal,
    log: createLog('bootstrap'),
  });
}
