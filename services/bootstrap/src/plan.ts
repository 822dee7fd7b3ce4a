/**
 * What the bootstrap has to make, as the platform's manifests say it: a file in a ConfigMap, made from the values by
 * `cdk8s/platform/bootstrap.ts`. Names only: what is secret is made here and lives in Secrets.
 */
import { z } from 'zod';

const permission = z.strictObject({
  resource: z.enum(['topic', 'group', 'cluster', 'transactionalId']),
  name: z.string().min(1),
  pattern: z.enum(['literal', 'prefixed']),
  operations: z
    .array(z.enum(['Read', 'Write', 'Create', 'Delete', 'Alter', 'Describe', 'DescribeConfigs', 'AlterConfigs']))
    .min(1),
});

/** A certificate with its key: as files of their own (tls.crt, tls.key), or as the one file that Kafka reads. */
const server = z.strictObject({
  secret: z.string().min(1),
  commonName: z.string().min(1),
  hosts: z.array(z.string().min(1)).min(1),
  keystore: z.boolean(),
  /** Also the random name of the Kafka cluster. */
  clusterId: z.boolean(),
});

const account = { user: z.string().min(1), secret: z.string().min(1) };

export const bootstrapPlan = z.strictObject({
  namespace: z.string().min(1),
  labels: z.record(z.string(), z.string()),
  authority: z.string().min(1),
  servers: z.array(server),
  /** Secrets with a user name and a random password that no server of ours keeps, such as Grafana's. */
  passwords: z.array(z.strictObject(account)),
  kafka: z
    .strictObject({
      brokers: z.string().min(1),
      admin: z.strictObject(account),
      users: z.array(z.strictObject({ ...account, permissions: z.array(permission) })),
      /** What its brokers are to show: the Secret, where each is found, and where they read it themselves. */
      certificate: z.strictObject({
        secret: z.string().min(1),
        hosts: z.array(z.string().min(1)).min(1),
        port: z.int(),
        keystore: z.string().min(1),
        listeners: z.array(z.string().min(1)).min(1),
      }),
    })
    .nullable(),
  database: z
    .strictObject({
      host: z.string().min(1),
      port: z.int(),
      name: z.string().min(1),
      owner: z.strictObject(account),
      writer: z.strictObject(account),
      reader: z.strictObject(account),
      registry: z.strictObject(account),
      /** Who makes the roles and the certificate: we as the superuser, or an operator, so that we come as the owner. */
      server: z.discriminatedUnion('of', [
        z.strictObject({
          of: z.literal('us'),
          superuser: z.strictObject(account),
          /** Secret with the certificate that it is to show. */
          certificate: z.string().min(1),
        }),
        z.strictObject({
          of: z.literal('an operator'),
          /** File with the certificate that the server is known by. */
          authority: z.string().min(1),
        }),
      ]),
    })
    .nullable(),
  /** For devices and the broker that they talk to. */
  devices: z
    .strictObject({
      /** An authority that signs certificates of devices and nothing else. */
      authority: z.strictObject({ secret: z.string().min(1) }),
      /** Roles that are clients of the broker, by the installation's authority. */
      clients: z.array(z.strictObject({ secret: z.string().min(1), commonName: z.string().min(1) })),
      /** Secrets with bearer tokens; who has put some there keeps them. */
      tokens: z.array(z.strictObject({ secret: z.string().min(1) })),
    })
    .nullable(),
});

export type BootstrapPlan = z.infer<typeof bootstrapPlan>;
export type ServerPlan = z.infer<typeof server>;
export type Account = z.infer<z.ZodObject<typeof account>>;

/** Everybody who gets a password. */
export interface Login extends Account {
  /** Its server is an operator's: that has an authority of its own, and asks for a Secret of this type. */
  type?: 'kubernetes.io/basic-auth';
}

export function loginsOf({ kafka, database, passwords }: BootstrapPlan): Login[] {
  const roles = database ? [database.owner, database.writer, database.reader, database.registry] : [];
  return [
    ...(kafka ? [kafka.admin, ...kafka.users] : []),
    ...(database?.server.of === 'us'
      ? [database.server.superuser, ...roles]
      : roles.map((role): Login => ({ ...role, type: 'kubernetes.io/basic-auth' }))),
    ...passwords,
  ];
}

/** The Secrets that a plan speaks of. */
export function secretNames(plan: BootstrapPlan): string[] {
  const { devices } = plan;
  const ofDevices = devices ? [devices.authority, ...devices.clients, ...devices.tokens] : [];
  return [plan.authority, ...[...plan.servers, ...loginsOf(plan), ...ofDevices].map(({ secret }) => secret)];
}
