/** Pipelines that share the process of a role share what it may hold: ten backlogs take no more memory than one may. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEMORY_LIMIT_MEBIBYTES } from './measurements/roles.ts';
import { type Backlog, makeBacklog } from './run/backlog.ts';
import { ROLES } from './run/roleProcess.ts';
import { type Servers, startServers } from './run/servers.ts';

const PIPELINES = 10;
const RECORDS = 12_000;

let servers: Servers | undefined;
let backlog: Backlog | undefined;

beforeAll(async () => {
  servers = await startServers();
  backlog = await makeBacklog(
    servers,
    Array.from({ length: PIPELINES }, (_, at) => ({ name: `many${at}`, records: RECORDS, partitions: 6 })),
  );
}, 120_000);

afterAll(async () => {
  await backlog?.remove();
  await servers?.stop();
}, 60_000);

test.runIf(process.platform === 'linux').each(ROLES)(
  `${PIPELINES} Pipelines in one %s keep it below ${MEMORY_LIMIT_MEBIBYTES} MiB`,
  { timeout: 300_000 },
  async (role) => {
    const run = await backlog?.run(role);
    console.log(`${role}: most resident ${Math.round(run?.peakMebibytes ?? 0)} MiB`);
    expect(run?.peakMebibytes).toBeLessThan(MEMORY_LIMIT_MEBIBYTES);
  },
);
