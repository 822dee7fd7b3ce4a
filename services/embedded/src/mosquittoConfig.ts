/** The configuration of an embedded Mosquitto, by its own names (mosquitto.conf(5)). Pure. */

/** Certificates and key in PEM, as files. */
export interface MosquittoTls {
  /** Whose clients' certificates are let in. */
  ca: string;
  certificate: string;
  key: string;
  /** Clients need a certificate of the CA. */
  requireCertificate?: boolean;
  /** Certificates that are let in no more. It must be there, and be in date. */
  crl?: string;
  /** A client's name is the CN of its certificate, which ACLs see as %u. Goes with requireCertificate. */
  identityAsUsername?: boolean;
}

export interface MosquittoListener {
  /** Without it the listener is plain. */
  tls?: MosquittoTls;
  /** File of ACLs. */
  acl?: string;
  /** File of users and passwords (mosquitto_passwd); nobody is let in without. */
  passwords?: string;
}

/** Settings over those below; a name that may come several times has several values. */
export type MosquittoSettings = Record<string, string | readonly string[]>;

/**
 * What may be lost by a broker's own defaults is kept: it queues without limit for a subscriber that is away, and writes what it has
 * each second. `data` is a folder; the listener is on 127.0.0.1 only.
 */
export function mosquittoConfig(
  port: number,
  data: string,
  { tls, acl, passwords }: MosquittoListener,
  settings: MosquittoSettings,
): string {
  const isNamed = tls?.identityAsUsername === true;
  const all: MosquittoSettings = {
    ...(process.getuid?.() === 0 ? { user: 'root' } : {}), // another one could not read a folder that is this user's alone
    log_dest: 'stderr',
    log_type: ['error', 'warning', 'notice', 'information'],
    connection_messages: 'true',
    persistence: 'true',
    persistence_location: `${data}/`,
    autosave_interval: '1',
    max_queued_messages: '0',
    max_inflight_messages: '1000',
    allow_anonymous: String(passwords === undefined && !isNamed),
    ...(acl === undefined ? {} : { acl_file: acl }),
    ...(passwords === undefined ? {} : { password_file: passwords }),
    listener: `${port} 127.0.0.1`,
    ...(tls && {
      cafile: tls.ca,
      certfile: tls.certificate,
      keyfile: tls.key,
      require_certificate: String(tls.requireCertificate === true),
      use_identity_as_username: String(isNamed),
      ...(tls.crl === undefined ? {} : { crlfile: tls.crl }),
    }),
    ...settings,
  };
  return Object.entries(all)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name} ${value}\n`))
    .join('');
}
