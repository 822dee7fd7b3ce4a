/** What only the upstream images have; stand-ins do without, and then it is not covered. */
import type { Context } from './checks.ts';
import { expect } from './expect.ts';
import { NotCovered } from './notCovered.ts';
import { query } from './rows.ts';

export async function grafana({ kubectl, values }: Context): Promise<void> {
  if (!values.grafana.enabled) throw new NotCovered('Grafana (no image of it here)');
  for (const source of ['timescaledb', 'prometheus']) {
    const url = `http://127.0.0.1:3000/api/datasources/uid/${source}/health`;
    const ask = `curl -fsS -u "$(cat /etc/millrace/admin/username):$(cat /etc/millrace/admin/password)" ${url}`;
    const { status } = JSON.parse(await kubectl.run('exec', 'deploy/grafana', '--', 'sh', '-c', ask)) as { status: string };
    expect(`what Grafana says of its data source ${source}`, status, 'OK');
  }
}

export async function timescale({ kubectl, values }: Context): Promise<void> {
  const there = await query(kubectl, values, `SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'`);
  if (there === '0') throw new NotCovered('TimescaleDB (a plain PostgreSQL stands in)');
  const sql = `SELECT count(*) FROM timescaledb_information.hypertables WHERE hypertable_schema = '${values.namespace}' AND hypertable_name = 'traffic_events'`;
  expect('hypertables called traffic_events', await query(kubectl, values, sql), '1');
}

/** That it finds every role is another check; here, by which way. */
export async function discovery({ values }: Context): Promise<void> {
  if (values.prometheus.discovery !== 'pods')
    throw new NotCovered('Prometheus by the Kubernetes API (Debian’s build cannot ask it)');
}
