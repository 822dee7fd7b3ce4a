import { isUtf8 } from 'node:buffer';
import { type Command, InvalidArgumentError } from 'commander';
import { type BrokerOptions, brokerOf, brokerOptions } from '../device/broker.ts';
import { withRecords } from '../device/open.ts';
import { quietLog } from '../log.ts';
import { type ServerOptions, serverOptions } from '../servers/options.ts';
import { printable } from '../text.ts';
import { Exit, UsageError } from '../usage.ts';

interface SendOptions extends ServerOptions, BrokerOptions {
  timeout: number;
  json?: true;
}

/** `millrace device send DEVICE TOPIC [PAYLOAD]` */
export function addSend(device: Command): void {
  const command = device
    .command('send')
    .description('send a command to a device and print its answer')
    .argument('<device>', 'its name')
    .argument('<topic>', 'what stands behind cmnd/<device>/, such as auto/J1/strike')
    .argument('[payload]', 'what is sent', '')
    .option(
      '--timeout <seconds>',
      'how long its answer is waited for; after it the device does not get the command any more',
      seconds,
      10,
    )
    .option('--json', 'the answer and how it is known, as JSON');
  serverOptions(brokerOptions(command)).action(send);
}

async function send(device: string, topic: string, payload: string, options: SendOptions): Promise<void> {
  const broker = brokerOf(options);
  const [{ commandOf }, { linkTo }, { NotSent, sendCommand }] = await Promise.all([
    import('@millrace/devices/command.ts'),
    import('@millrace/devices/link.ts'),
    import('@millrace/devices/send.ts'),
  ]);
  await withRecords(options, async (pool, by) => {
    const command = commandOf(device, { topic, payload, timeoutSeconds: options.timeout });
    const log = quietLog();
    const link = linkTo(broker, log);
    try {
      await link.connected(AbortSignal.timeout(command.timeoutMs)).catch(() => {
        throw new UsageError(`the broker at ${broker.url} is not there: ${link.trouble() ?? 'it was lost'}`);
      });
      const { id, outcome, answer, recorded } = await sendCommand(command, { pool, link, by, log });
      const text =
        answer === null ? null : isUtf8(answer.payload) ? answer.payload.toString() : answer.payload.toString('base64');
      if (options.json) say(JSON.stringify({ id, outcome, answer: text, matchedBy: answer?.matchedBy ?? null, recorded }));
      else if (text !== null) say(printable(text));
      if (!recorded) process.stderr.write(`millrace: what came of ${id} could not be recorded\n`);
      if (outcome === 'answered') return;
      if (!options.json) process.stderr.write(`millrace: ${device}: ${SENTENCES[outcome]}\n`);
      throw new Exit(1);
    } catch (error) {
      throw error instanceof NotSent ? new UsageError(error.message, { cause: error }) : error;
    } finally {
      await link.stop();
    }
  });
}

const SENTENCES = {
  unanswered: 'no answer in time; the device does not get the command any more',
  undelivered: 'nobody listens there: it is not connected, or does not know this topic',
  failed: 'the broker was lost on the way; whether the device has the command nobody knows',
};

function seconds(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('Allowed is 1 to 60.');
  return Number(text);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
