/** TimescaleDB: one pod with a volume. Its memory settings are made from the container's limit when it starts. */
import type { Construct } from 'constructs';
import { checksumOf } from '../constructs/checksum.ts';
import { configMap } from '../constructs/config.ts';
import { selectorOf } from '../constructs/labels.ts';
import { configMount, scratchMount, secretMount } from '../constructs/mounts.ts';
import { portProbes } from '../constructs/probes.ts';
import { service } from '../constructs/service.ts';
import { StatefulSetWorkload } from '../constructs/workload.ts';
import { IMAGES } from './images.ts';
import { BOOTSTRAP, DATABASE, DATABASE_PORT, databaseSecret, GRAFANA, SECRETS } from './names.ts';
import type { Values } from './values.ts';

/** Every pod that may connect carries this label; who may do what, the database's roles say. */
export const DATABASE_CLIENT = { 'millrace.dev/database-client': 'true' };

const DATA = '/var/lib/postgresql/data';
const CONFIG = '/etc/millrace/config';
const SERVER = '/etc/millrace/server';
const SUPERUSER = '/etc/millrace/superuser';
const CONFIG_MAP = 'millrace-database';

/** From the network by TLS and password only; inside the pod, by socket, whoever can run a command there. */
const HBA = `local   all all     trust
hostssl all all all scram-sha-256
`;

/** Shares of the memory limit as PostgreSQL's manual advises; a work_mem is taken several times per connection. */
const START = `#!/bin/sh
set -eu
mib=$MEMORY_LIMIT_MIB
exec docker-entrypoint.sh postgres \\
  -c shared_buffers=$((mib / 4))MB \\
  -c effective_cache_size=$((mib / 2))MB \\
  -c maintenance_work_mem=$((mib / 16))MB \\
  -c work_mem=$((mib / 128 > 4 ? mib / 128 : 4))MB \\
  -c max_connections=60 \\
  -c max_wal_size=1GB \\
  -c password_encryption=scram-sha-256 \\
  -c hba_file=${CONFIG}/pg_hba.conf \\
  -c ssl=on \\
  -c ssl_cert_file=${SERVER}/tls.crt \\
  -c ssl_key_file=${SERVER}/tls.key
`;

export function database(scope: Construct, values: Values): void {
  const { name, storage, resources } = values.database;
  const data = { 'pg_hba.conf': HBA, 'start.sh': START };
  configMap(scope, 'database-config', CONFIG_MAP, DATABASE, data);
  service(scope, 'database-service', {
    name: 'database',
    identity: DATABASE,
    ports: { postgresql: DATABASE_PORT },
    headless: true,
  });
  new StatefulSetWorkload(scope, 'database', {
    name: 'database',
    identity: DATABASE,
    ...IMAGES.database,
    command: ['/bin/sh', `${CONFIG}/start.sh`],
    env: {
      MEMORY_LIMIT_MIB: { memoryLimitMib: true },
      POSTGRES_DB: name,
      POSTGRES_PASSWORD_FILE: `${SUPERUSER}/password`,
      PGDATA: `${DATA}/pgdata`,
      // Its settings would come before ours and from the machine's memory.
      NO_TS_TUNE: 'true',
    },
    ports: { postgresql: DATABASE_PORT },
    mounts: [
      { volume: 'data', path: DATA, readOnly: false, source: null },
      configMount('config', CONFIG, CONFIG_MAP),
      secretMount(SECRETS.databaseServer, SERVER),
      secretMount(databaseSecret('superuser'), SUPERUSER),
      scratchMount('run', '/var/run/postgresql', '1Mi'),
      scratchMount('tmp', '/tmp', '64Mi'),
      scratchMount('shm', '/dev/shm', '64Mi', 'Memory'),
    ],
    resources,
    checksum: checksumOf(data),
    // By TCP: while the first start prepares the volume, the server listens on its socket only.
    probes: portProbes(DATABASE_PORT, { command: ['pg_isready', '-q', '-h', '127.0.0.1', '-U', 'postgres', '-d', name] }),
    replicas: 1,
    service: 'database',
    claim: { volume: 'data', size: storage.size, storageClass: storage.class },
    graceSeconds: 120,
    ingress: [
      {
        peers: [{ pods: DATABASE_CLIENT }, { pods: selectorOf(BOOTSTRAP) }, { pods: selectorOf(GRAFANA) }],
        ports: [DATABASE_PORT],
      },
    ],
    egress: [],
  });
}
