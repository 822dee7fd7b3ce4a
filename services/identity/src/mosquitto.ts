/**
 * The configuration of Mosquitto, for devices with certificates (mosquitto.conf(5), version 2.0). Pure.
 *
 * Invariants: who connects is the common name of its certificate, and nobody else (user name and client id are taken from it, whatever
 * the client says); a listener without TLS is on loopback; what no rule names is not allowed, and who is away keeps what he may read; what
 * the broker holds for anybody is bounded.
 */

/** Users of the platform; a device cannot be called like this (`deviceName.ts`). */
export const BROKER_USERS = { producer: 'millrace-producer', commands: 'millrace-commands' } as const;

/** All names and ports of the three files are its own; the folders are those of who starts it. */
export interface MosquittoOptions {
  /** Of the address that is listened on; left out: all. */
  host?: string;
  tls: {
    /** For devices: certificates of their authority, `ca` (PEM file), but those in `crl`. */
    devices: { port: number; ca: string; crl: string };
    /** For producers and commands: certificates of the installation's authority. */
    platform: { port: number; ca: string };
    /** Of the broker, PEM files. */
    certificate: string;
    key: string;
  } | null;
  /** Port of a listener without TLS on 127.0.0.1, on which everybody may do what devices and producers may; null: none. */
  loopbackPort: number | null;
  /** Files with `ACLS`. */
  acl(listener: Listener): string;
  /** Folder for sessions and what waits for them; null: they end with the broker. */
  data: string | null;
}

/** Listeners, each with rules of its own. */
export type Listener = 'devices' | 'platform' | 'loopback';

/**
 * Who may do what, by listener. %u is the common name of the certificate: https://mosquitto.org/man/mosquitto-conf-5.html (acl_file).
 *
 * Who has a session that outlives its connections reads by `pattern` only: at a SIGHUP Mosquitto takes the rules of a `user` from who is
 * away and gives them back when he connects, and drops without a word what comes for him meanwhile (`mosquitto.test.ts`).
 */
export const ACLS: Readonly<Record<Listener, string>> = {
  devices: lines(['pattern write tele/%u/#', 'pattern write stat/%u/#', 'pattern read cmnd/%u/#']),
  platform: lines([`user ${BROKER_USERS.commands}`, 'topic write cmnd/#', 'pattern read tele/#', 'pattern read stat/#']),
  loopback: lines(['pattern readwrite tele/#', 'pattern readwrite stat/#', 'pattern readwrite cmnd/#']),
};

export function mosquittoConfig({ host, tls, loopbackPort, acl, data }: MosquittoOptions): string {
  const at = host === undefined ? '' : ` ${host}`;
  return lines([
    'per_listener_settings true',
    ...(data === null ? ['persistence false'] : ['persistence true', `persistence_location ${data}/`, 'autosave_interval 5']),
    ...LIMITS,
    'log_dest stderr', // standard output would come in blocks
    'log_timestamp_format %Y-%m-%dT%H:%M:%SZ',
    ...['error', 'warning', 'notice', 'information'].map((type) => `log_type ${type}`),
    ...(tls === null
      ? []
      : [
          `listener ${tls.devices.port}${at}`,
          `cafile ${tls.devices.ca}`,
          `crlfile ${tls.devices.crl}`,
          `acl_file ${acl('devices')}`,
          ...byCertificate(tls),
          // Else a device could push another one off, or take over what waits for it, by its client id.
          'use_username_as_clientid true',
          'max_connections 10000',
          // Several producers share a name and are told apart by their client ids.
          `listener ${tls.platform.port}${at}`,
          `cafile ${tls.platform.ca}`,
          `acl_file ${acl('platform')}`,
          ...byCertificate(tls),
          'max_connections 200',
        ]),
    ...(loopbackPort === null
      ? []
      : [`listener ${loopbackPort} 127.0.0.1`, 'allow_anonymous true', `acl_file ${acl('loopback')}`, 'max_connections 1000']),
  ]);
}

/** A producer may be away for a while: what devices send meanwhile waits, up to these. */
const LIMITS = [
  'max_packet_size 1114112', // record.maxBytes, and a topic
  'max_inflight_messages 100',
  'max_queued_messages 100000',
  'max_queued_bytes 67108864',
  'max_keepalive 3600',
  'persistent_client_expiration 7d',
];

function byCertificate({ certificate, key }: NonNullable<MosquittoOptions['tls']>): string[] {
  return [
    `certfile ${certificate}`,
    `keyfile ${key}`,
    'allow_anonymous false',
    'require_certificate true',
    'use_identity_as_username true',
    'tls_version tlsv1.2', // and newer
  ];
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
