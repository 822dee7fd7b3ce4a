import { readFileSync } from 'node:fs';
import type { Reason } from '@millrace/identity/crl.ts';
import type { PublicKey } from '@peculiar/x509';
import { type Command, Option } from 'commander';
import { type DeviceOptions, deviceOptions, withIdentity } from '../device/open.ts';
import { table } from '../text.ts';
import { UsageError } from '../usage.ts';
import { addSend } from './deviceSend.ts';
import { wholeNumber } from './tail.ts';

interface IssueOptions extends DeviceOptions {
  csr?: string;
  out: string;
  days: number;
  supersede?: true;
}

interface RevokeOptions extends DeviceOptions {
  reason: Reason;
}

interface ListOptions extends DeviceOptions {
  all?: true;
  json?: true;
}

const DEFAULT_DAYS = 365;
/** As `REASONS` of the package, which this file does not load before it is used. */
const REASONS: readonly Reason[] = ['unspecified', 'keyCompromise', 'superseded', 'cessationOfOperation'];

/** `millrace device issue|renew|revoke|list|crl|send`: who may connect to the broker, and under which name. */
export function addDevice(program: Command): void {
  const device = program
    .command('device')
    .description('give devices certificates, renew them and take them back; send them commands');
  const issuing = device.command('issue').description('sign a certificate for a device that has none');
  const renewing = device
    .command('renew')
    .description('sign another certificate for a device that has one; the former stays good until its end')
    .option('--supersede', 'revoke the former one at once');
  for (const command of [issuing, renewing])
    command
      .argument('<device>', 'its name: 1 to 64 letters, digits and . _ : -')
      .option('--csr <file>', "the device's own certificate request (PKCS #10, PEM); without it a key is made, too")
      .option('--out <folder>', 'where DEVICE.crt and DEVICE.key are put', '.')
      .option('--days <count>', 'how long it is good', wholeNumber, DEFAULT_DAYS);
  deviceOptions(issuing).action((name: string, options: IssueOptions) => sign(name, options, false));
  deviceOptions(renewing).action((name: string, options: IssueOptions) => sign(name, options, true));
  deviceOptions(
    device
      .command('revoke')
      .description('revoke all certificates with which a device could connect')
      .argument('<device>', 'its name')
      .addOption(new Option('--reason <reason>', 'why').choices(REASONS).default('unspecified')),
  ).action(revoke);
  deviceOptions(
    device
      .command('list')
      .description('certificates of devices: who has one, until when')
      .argument('[device]', 'only of this one')
      .option('--all', 'also those that are revoked or over')
      .option('--json', 'one JSON object per line'),
  ).action(list);
  deviceOptions(
    device.command('crl').description('print the list of revoked certificates; made anew when half of its life is over'),
  ).action(printCrl);
  addSend(device);
}

async function sign(device: string, options: IssueOptions, isRenewal: boolean): Promise<void> {
  const [{ makeDeviceKey }, { publicKeyOf }, { deviceNameOf }, { filesOf, writeDevice }] = await Promise.all([
    import('@millrace/identity/sign.ts'),
    import('@millrace/identity/request.ts'),
    import('@millrace/identity/deviceName.ts'),
    import('../device/files.ts'),
  ]);
  await withIdentity(options, async ({ identity, publish }) => {
    const files = filesOf(options.out, deviceNameOf(device));
    const own: { key: string | null; publicKey: PublicKey } =
      options.csr === undefined
        ? await makeDeviceKey()
        : { key: null, publicKey: await publicKeyOf(textOf(options.csr), device) };
    const asked = { device, publicKey: own.publicKey, days: options.days };
    let end = '';
    await writeDevice(files, own.key, async () => {
      const signed = isRenewal
        ? await identity.renew({ ...asked, supersede: options.supersede === true })
        : await identity.issue(asked);
      end = signed.notAfter.toISOString();
      return signed.certificate;
    });
    const crl = await publish();
    say(`${files.certificate}: the certificate of ${device}, good until ${end}`);
    if (own.key !== null) say(`${files.key}: its key, which is nowhere else`);
    if (options.supersede && crl !== null) say(reread(crl));
  });
}

async function revoke(device: string, options: RevokeOptions): Promise<void> {
  await withIdentity(options, async ({ identity, publish }) => {
    const { serials } = await identity.revoke(device, options.reason);
    say(`${device}: revoked ${serials.join(', ')}`);
    const crl = await publish();
    if (crl !== null) say(reread(crl));
  });
}

async function list(device: string | undefined, options: ListOptions): Promise<void> {
  const { stateOf } = await import('@millrace/identity/state.ts');
  await withIdentity(options, async ({ identity, publish }) => {
    await publish();
    const now = new Date();
    const all = (await identity.list(device ?? null)).map((one) => ({ ...one, state: stateOf(one, now) }));
    const shown = all.filter(({ state }) => options.all || state === 'valid' || state === 'ends soon');
    if (options.json) for (const one of shown) say(JSON.stringify(one));
    else if (shown.length === 0)
      say(`no certificate${device ? ` of ${device}` : ''}${options.all ? '' : ' that is good; --all shows the others'}`);
    else
      for (const line of table(
        ['device', 'state', 'until', 'serial', 'by'].map((title) => ({ title, align: 'left' })),
        shown.map((one) => [
          one.device,
          one.state,
          one.notAfter.toISOString().slice(0, 16),
          one.serial,
          one.revokedBy ?? one.issuedBy,
        ]),
      ))
        say(line);
  });
}

async function printCrl(options: DeviceOptions): Promise<void> {
  await withIdentity(options, async ({ identity, publish }) => {
    await publish();
    process.stdout.write((await identity.crl()).pem);
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`the certificate request cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function reread(crl: string): string {
  return `${crl}: the list of revoked certificates; a broker reads it again at SIGHUP`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
