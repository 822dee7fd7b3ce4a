/** The metric of the audit, as a Prometheus sees it. */
import { feedOf, ROLES, type Servers, startServers } from '@millrace/audit/testFeed.ts';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditOnce, auditTasks } from './auditTasks.ts';
import { sinkMetrics } from './metrics.ts';

const log = pino({ level: 'silent' });
const never = new AbortController().signal;
let servers: Servers;

beforeAll(async () => {
  servers = await startServers();
}, 120_000);

afterAll(async () => {
  await servers?.stop();
});

test('a row that is gone is in the metric, its check by name; an audit that cannot be done is counted', {
  timeout: 120_000,
}, async () => {
  const { pipeline, send, startRoles, stopRoles, settled, sql } = await feedOf(servers, 'metric');
  await send(0, 100);
  await startRoles(...ROLES);
  await settled();
  await stopRoles();
  const registry = new Registry();
  const metrics = sinkMetrics(registry);
  const before = Date.now() / 1000;
  await auditOnce(pipeline, servers, metrics, log, never);
  expect(await registry.metrics()).toContain('millrace_audit_difference_rows{pipeline="default/metric",check="table"} 0');
  expect((await metrics.auditTimestamp.get()).values[0]?.value).toBeGreaterThanOrEqual(before);
  await sql('DELETE FROM ROWS WHERE n IN (1, 2)');
  await auditOnce(pipeline, servers, metrics, log, never);
  const text = await registry.metrics();
  expect(text).toContain('millrace_audit_difference_rows{pipeline="default/metric",check="table"} 2');
  expect(text).toContain('millrace_audit_difference_rows{pipeline="default/metric",check="sink"} 0');
  await sql('ALTER TABLE ROWS RENAME TO elsewhere');
  await expect(auditOnce(pipeline, servers, metrics, log, never)).rejects.toThrow(/there is no table default.metric/);
  expect(await registry.metrics()).toContain('millrace_audit_failures_total{pipeline="default/metric"} 1');
});

test('the copy of the counters is made by the sink, by itself', { timeout: 120_000 }, async () => {
  const { pipeline, send, startRoles, stopRoles, settled } = await feedOf(servers, 'copied');
  await send(0, 100);
  await startRoles(...ROLES);
  await settled();
  await stopRoles();
  const [copy] = auditTasks(pipeline, servers, sinkMetrics(new Registry()), log);
  expect(await copy?.run(never)).toBe(false);
  const { rows } = await servers.database.query(
    `SELECT sum(raw)::int AS raw FROM millrace.ledger WHERE pipeline = 'default/copied'`,
  );
  expect(rows).toEqual([{ raw: 100 }]);
});
