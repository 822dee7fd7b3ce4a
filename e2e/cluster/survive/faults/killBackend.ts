import { query } from '../../rows.ts';
import type { Fault } from '../fault.ts';

/** SIGKILL of one server process of PostgreSQL inside its container: the database throws all sessions out and recovers from its log. */
export const killBackend: Fault = {
  name: 'kill a server process of the database',
  kind: 'kill a server process',
  lacks: null,
  async happen({ kubectl, values }, random) {
    const sql = "select pid from pg_stat_activity where usename = 'millrace_writer' order by pid";
    const pids = (await query(kubectl, values, sql)).split('\n').filter((pid) => /^\d+$/.test(pid));
    const pid = random.pick(pids);
    await kubectl.run('exec', 'database-0', '--', 'sh', '-c', `kill -9 ${pid}`);
    return `one of ${pids.length} sessions of sinks`;
  },
};
