/** By which options and variables a command is told the MQTT broker. */
import { readPem } from '@millrace/core/secretFile.ts';
import type { BrokerAddress } from '@millrace/devices/link.ts';
import { type Command, Option } from 'commander';
import { UsageError } from '../usage.ts';

export const DEFAULT_DEVICES_PORT = 8091;

export interface BrokerOptions {
  mqtt?: string;
  mqttCa?: string;
  mqttCert?: string;
  mqttKey?: string;
}

const LOOPBACK = ['127.0.0.1', '[::1]', 'localhost'];

export function brokerOptions(command: Command): Command {
  const option = (flags: string, variable: string, text: string): Option => new Option(flags, text).env(variable);
  return command
    .addOption(option('--mqtt <url>', 'MILLRACE_MQTT', 'the broker: mqtts://host:port; mqtt:// on loopback only'))
    .addOption(option('--mqtt-ca <file>', 'MILLRACE_MQTT_CA', "trust these CA certificates (PEM) for the broker's"))
    .addOption(option('--mqtt-cert <file>', 'MILLRACE_MQTT_CERT', 'client certificate (PEM), with --mqtt-key'))
    .addOption(option('--mqtt-key <file>', 'MILLRACE_MQTT_KEY', 'private key of the client certificate (PEM)'));
}

/** Files are looked at now, and read again for each connection. @throws UsageError */
export function brokerOf({ mqtt, mqttCa: ca, mqttCert: certificate, mqttKey: key }: BrokerOptions): BrokerAddress {
  if (mqtt === undefined)
    throw new UsageError('no broker is given; give it by --mqtt (or MILLRACE_MQTT), such as mqtts://broker:8884');
  const url = URL.canParse(mqtt) ? new URL(mqtt) : null;
  if (url === null || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.password !== '')
    throw new UsageError(
      '--mqtt (or MILLRACE_MQTT) is no address of a broker; allowed is mqtts://host:port, or mqtt://127.0.0.1:port',
    );
  if (url.protocol === 'mqtt:' && !LOOPBACK.includes(url.hostname))
    throw new UsageError(
      `--mqtt (or MILLRACE_MQTT) is ${mqtt}: without TLS only a broker on this machine is talked to; allowed is mqtts://`,
    );
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError('of --mqtt-cert and --mqtt-key one is given; needed are both, or none');
  for (const file of [ca, certificate, key])
    if (file !== undefined)
      try {
        readPem(file);
      } catch (error) {
        throw new UsageError((error as Error).message, { cause: error });
      }
  return {
    url: mqtt,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(key === undefined ? {} : { key }),
  };
}
