import { stopOnSignal } from '@millrace/core/role/signals.ts';
import { type Command, Option } from 'commander';
import { roleLog, tellAll } from '../log.ts';
import { UsageError } from '../usage.ts';

interface Options {
  url: string;
  authority: string;
  crl: string;
  watch?: string[];
}

const BROKER = 'mosquitto';

/** `millrace broker-files`: what runs beside Mosquitto in the cluster. */
export function addBrokerFiles(program: Command): void {
  program
    .command('broker-files')
    .description('keep the list of revoked certificates of the Mosquitto beside in a pod, and let it read renewed files')
    .addOption(new Option('--url <url>', 'where the list is given: /crl.pem of `millrace devices`').makeOptionMandatory())
    .addOption(new Option('--authority <file>', "devices' authority (PEM)").makeOptionMandatory())
    .addOption(new Option('--crl <file>', 'where the list is kept').makeOptionMandatory())
    .option('--watch <file...>', 'files that it reads again when they change')
    .action(run);
}

async function run({ url, authority, crl, watch = [] }: Options): Promise<void> {
  if (!URL.canParse(url)) throw new UsageError(`--url is ${url}; allowed is a URL such as http://devices:8091/crl.pem`);
  const log = roleLog('broker-files');
  tellAll(log);
  const [{ keepBrokerFiles }, { processesOf }] = await Promise.all([
    import('@millrace/devices/brokerFiles.ts'),
    import('@millrace/devices/processes.ts'),
  ]);
  const reload = (): void => {
    for (const pid of processesOf(BROKER)) process.kill(pid, 'SIGHUP');
  };
  await keepBrokerFiles({ url: new URL(url), authority, crl, watched: watch, reload, log }, stopOnSignal());
}
