import { setTimeout as sleep } from 'node:timers/promises';
import { createLog } from '@millrace/core/log.ts';
import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { type Command, Option } from 'commander';
import { UsageError } from '../usage.ts';

const EVERY_MS = 10_000;
/** Where Kubernetes puts the account of a pod. */
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

interface SidecarOptions {
  namespace: string;
  label: string;
  folder: string;
  reload?: string;
}

/** `millrace sidecar`: what runs beside Prometheus and Grafana in the cluster. */
export function addSidecar(program: Command): void {
  program
    .command('sidecar')
    .description('keep a folder equal to the files of labelled ConfigMaps, for the program beside in a pod')
    .addOption(new Option('--namespace <name>', 'where the ConfigMaps are').makeOptionMandatory())
    .addOption(new Option('--label <key=value>', 'which ConfigMaps').makeOptionMandatory())
    .addOption(new Option('--folder <folder>', 'where their files are put').makeOptionMandatory())
    .option('--reload <url>', 'a Prometheus to be asked to read its rules again')
    .action(run);
}

async function run({ namespace, label, folder, reload }: SidecarOptions): Promise<void> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) throw new UsageError('millrace sidecar runs in a pod: KUBERNETES_SERVICE_HOST and _PORT are not set');
  const [{ configMaps }, { openFolder }, { takeUp }, { reloadPrometheus }] = await Promise.all([
    import('@millrace/sidecar/configMaps.ts'),
    import('@millrace/sidecar/folder.ts'),
    import('@millrace/sidecar/takeUp.ts'),
    import('@millrace/sidecar/prometheus.ts'),
  ]);
  const log = createLog('sidecar');
  const address = host.includes(':') ? `[${host}]` : host;
  const source = configMaps({ api: new URL(`https://${address}:${port}`), account: ACCOUNT, namespace, label });
  const look = takeUp(source, openFolder(folder), reload === undefined ? null : reloadPrometheus(new URL(reload)), log);
  const stop = stopOnSignal();
  while (!stop.aborted) {
    try {
      await look();
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'what is new cannot be taken up now; tried again');
    }
    await sleep(EVERY_MS, undefined, { signal: stop }).catch(() => undefined); // an abort ends the wait, nothing else can
  }
}
