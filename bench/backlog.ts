/**
 * One role or all of them on a backlog of N simulated records: rows per second, CPU seconds per million rows, most resident
 * memory. For whoever makes a role faster; `bench.ts` measures everything.
 *
 *     node bench/backlog.ts [N, default 1000000] [producer | processor | sink | all] [rounds, default 1]
 *
 * The roles before the one that is asked for run once, to make its backlog; that one runs `rounds` times on the same
 * backlog. NODE_OPTIONS are the roles' as well, for `--cpu-prof`.
 */
import { makeBacklog } from './run/backlog.ts';
import { ROLES, type RoleName } from './run/roleProcess.ts';
import { startServers } from './run/servers.ts';

const [records = '1000000', asked = 'all', rounds = '1'] = process.argv.slice(2);
const last = asked === 'all' ? ROLES.length - 1 : ROLES.indexOf(asked as RoleName);
if (!(Number(records) > 0) || last < 0 || !(Number(rounds) > 0)) {
  process.stderr.write(`usage: node bench/backlog.ts [N] [${ROLES.join(' | ')} | all] [rounds]\n`);
  process.exit(2);
}

const servers = await startServers();
try {
  const backlog = await makeBacklog(servers, [{ name: 'backlog', records: Number(records), partitions: 6 }]);
  console.log(`${Number(records).toLocaleString('en')} records, 6 partitions, one role at a time\n`);
  console.log('role        rows/s   CPU s per million   most resident MiB');
  for (const role of ROLES.slice(0, last + 1)) {
    for (let round = 0; round < (role === asked ? Number(rounds) : 1); round += 1) {
      const { rowsPerSecond, cpuSecondsPerMillion, peakMebibytes } = await backlog.run(role);
      const rate = Math.round(rowsPerSecond).toLocaleString('en').padStart(9);
      console.log(
        `${role.padEnd(9)} ${rate} ${cpuSecondsPerMillion.toFixed(1).padStart(19)} ${peakMebibytes.toFixed(0).padStart(19)}`,
      );
    }
  }
  await backlog.remove();
} finally {
  await servers.stop();
}
