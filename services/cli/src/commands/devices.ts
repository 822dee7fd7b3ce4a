import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type BrokerOptions, brokerOf, brokerOptions, DEFAULT_DEVICES_PORT } from '../device/broker.ts';
import { roleLog, tellAll } from '../log.ts';
import { databaseOf } from '../servers/database.ts';
import { called, type ServerOptions, serverOptions } from '../servers/options.ts';
import { UsageError } from '../usage.ts';
import { wholeNumber } from './tail.ts';

interface Options extends ServerOptions, BrokerOptions {
  ca: string;
  provisioningTokens: string;
  commandTokens: string;
  mqttDevices?: string;
  host: string;
  port: number;
  httpHost: string;
  httpPort: number;
}

const LOOPBACK = '127.0.0.1';
const LISTENER = /^mqtts:\/\/[^\s/@:]+:\d{1,5}$/;

/** `millrace devices`: the role that signs certificates and sends commands over HTTP. */
export function addDevices(program: Command): void {
  const needed = (flags: string, variable: string, text: string): Option =>
    new Option(flags, text).env(variable).makeOptionMandatory();
  const command = program
    .command('devices')
    .description('sign certificates of devices and send them commands, over HTTP')
    .addOption(needed('--ca <folder>', 'MILLRACE_DEVICE_CA', 'authority of devices: a folder with tls.crt and tls.key'))
    .addOption(
      needed(
        '--provisioning-tokens <folder>',
        'MILLRACE_PROVISIONING_TOKENS',
        'a file per token with which certificates are given',
      ),
    )
    .addOption(needed('--command-tokens <folder>', 'MILLRACE_COMMAND_TOKENS', 'a file per token with which commands are sent'))
    .addOption(
      new Option(
        '--mqtt-devices <url>',
        'the broker as devices reach it, mqtts://host:port; with it, who is connected with a certificate that is revoked or over is pushed off',
      ).env('MILLRACE_MQTT_DEVICES'),
    )
    .option('--host <address>', 'address of /healthz, /readyz and /metrics', LOOPBACK)
    .option('--port <port>', 'their port; 0: any free one', wholeNumber, 0)
    .option('--http-host <address>', 'address that takes requests', LOOPBACK)
    .option('--http-port <port>', 'its port; 0: any free one', wholeNumber, DEFAULT_DEVICES_PORT);
  serverOptions(brokerOptions(command)).action(run);
}

async function run(options: Options): Promise<void> {
  const database = databaseOf(options);
  if (database === null) throw new UsageError(`millrace devices needs ${called('database')} or ${called('databaseHost')}`);
  const broker = brokerOf(options);
  const listener = options.mqttDevices ?? null;
  if (listener !== null && !LISTENER.test(listener))
    throw new UsageError(
      `--mqtt-devices (or MILLRACE_MQTT_DEVICES) is ${JSON.stringify(listener)}; allowed is mqtts://host:port, such as mqtts://broker:8883`,
    );
  const log = roleLog('devices');
  tellAll(log);
  const { serveDevices } = await import('@millrace/devices/serve.ts');
  await serveDevices({
    database,
    broker,
    listener,
    authority: resolve(options.ca),
    provisioningTokens: resolve(options.provisioningTokens),
    commandTokens: resolve(options.commandTokens),
    http: { host: options.httpHost, port: options.httpPort },
    health: { host: options.host, port: options.port },
    log,
  });
}
