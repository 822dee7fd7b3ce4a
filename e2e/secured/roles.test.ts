/**
 * The processes of a Pipeline as pods run them: told by variables and mounted files (docs/decisions/0027), with TLS and logins
 * on both sides. What would be read in `kubectl logs` is read here.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Running, startMillrace } from '@millrace/cli/testing.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { permissionsOf } from '@millrace/setup/permissions.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { databaseRoles, pipelineOf, writeRecords } from './feed.ts';
import { type SecuredServers, startSecuredServers, USERS } from './servers.ts';

const ROLES = ['producer', 'processor', 'sink'] as const;
type Name = (typeof ROLES)[number] | 'setup';
const patience = { timeout: 90_000, interval: 50 };

let servers: SecuredServers;
let file: string;
const ports: Partial<Record<Name, number>> = {};
const processes = new Map<Name, Running>();
const pipeline = pipelineOf('plant', 'pods');
/** Everything that must never be seen. */
const secrets = [...USERS.map((user) => `of ${user}`), 'of owner', 'of writer', 'renewed secret'];

beforeAll(async () => {
  servers = await startSecuredServers();
  const { folder, access, superuser, databaseUrl, authority } = servers;
  const pools = await databaseRoles(databaseUrl, superuser);
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
  for (const user of USERS) await access.allow(user, permissionsOf(user, pipeline));
  writeRecords(folder);
  file = join(folder, 'pipeline.yaml');
  writeFileSync(file, JSON.stringify(pipeline));
  writeFileSync(join(folder, 'ca.crt'), authority);
  for (const user of [...USERS, 'owner', 'writer']) writeFileSync(join(folder, user), `of ${user}\n`);
  for (const [index, port] of (await freePorts(ROLES.length)).entries()) ports[ROLES[index] ?? 'sink'] = port;
}, 180_000);

afterAll(async () => {
  for (const running of processes.values()) running.kill('SIGKILL');
  await Promise.all([...processes.values()].map(({ ended }) => ended));
  await servers?.stop();
});

/** The variables of 0027 for this user and role. */
function variables(user: Name, role: 'owner' | 'writer' | null): Record<string, string> {
  const { folder, broker, databaseUrl } = servers;
  const { port, pathname } = new URL(databaseUrl);
  const database: Record<string, string> = {
    MILLRACE_DATABASE_HOST: 'localhost',
    MILLRACE_DATABASE_PORT: port,
    MILLRACE_DATABASE_NAME: pathname.slice(1),
    MILLRACE_DATABASE_USER: String(role),
    MILLRACE_DATABASE_PASSWORD_FILE: join(folder, String(role)),
    MILLRACE_DATABASE_CA: join(folder, 'ca.crt'),
  };
  return {
    MILLRACE_KAFKA: broker,
    MILLRACE_KAFKA_CA: join(folder, 'ca.crt'),
    MILLRACE_KAFKA_USER: user,
    MILLRACE_KAFKA_PASSWORD_FILE: join(folder, user),
    MILLRACE_LOG_LEVEL: 'trace',
    ...(role === null ? {} : database),
  };
}

function start(role: (typeof ROLES)[number]): Running {
  const words = ['run', '--role', role, '--host', '0.0.0.0', '--port', String(ports[role]), '--input', servers.folder, file];
  const running = startMillrace(words, variables(role, role === 'sink' ? 'writer' : null), '/');
  processes.set(role, running);
  return running;
}

const isReady = async (role: Name): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${ports[role]}/readyz`).catch(() => null))?.status === 200;

async function storedRows(): Promise<number> {
  const { rows } = await servers.superuser.query(`SELECT count(*) AS rows FROM plant.pods`);
  return Number(rows[0]?.rows);
}

/** Each line is one event. */
function events(output: string): Record<string, unknown>[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('set-up waits for a login that is not known yet, says so, and goes on with the password that the file holds by then', async () => {
  const password = join(servers.folder, 'owner');
  writeFileSync(password, 'of nobody');
  const running = startMillrace(['setup', '--json', '--wait', '5m', file], variables('setup', 'owner'), '/');
  processes.set('setup', running);
  await vi.waitUntil(() => /waiting, for \d+ s at most: .*password is wrong/.test(running.output()), patience);
  writeFileSync(password, 'of owner\n');
  const { code, stdout, stderr } = await running.ended;
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('"level":"fatal"')]);
  expect(events(stdout)).toMatchObject([{ level: 'info', role: 'setup', pipeline: 'plant/pods', changes: expect.any(Array) }]);
  expect(events(stderr).every(({ level, role, time }) => level && role === 'setup' && time)).toBe(true);
});

test('the roles become ready, by TLS on both sides, and all rows are stored', async () => {
  for (const role of ROLES) start(role);
  await vi.waitUntil(async () => (await storedRows()) === 2, patience);
  for (const role of ROLES) await vi.waitUntil(() => isReady(role), patience);
  const { rows } = await servers.superuser.query(
    `SELECT bool_and(ssl) AS tls FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'writer'`,
  );
  expect(rows).toEqual([{ tls: true }]);
  for (const role of ROLES) {
    expect((await fetch(`http://127.0.0.1:${ports[role]}/healthz`)).status).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${ports[role]}/metrics`)).text()).toContain('process_cpu_seconds_total');
  }
});

test('a database password that is renewed counts without a restart', async () => {
  const { superuser, folder } = servers;
  await superuser.query(`ALTER ROLE writer PASSWORD 'renewed secret'`);
  await superuser.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'writer'`);
  const pid = processes.get('sink')?.pid;
  await vi.waitUntil(() => /password authentication failed/.test(processes.get('sink')?.output() ?? ''), patience);
  writeFileSync(join(folder, 'writer'), 'renewed secret\n');
  const connected = async (): Promise<boolean> =>
    (await superuser.query(`SELECT FROM pg_stat_activity WHERE usename = 'writer'`)).rows.length > 0;
  await vi.waitUntil(connected, patience);
  await vi.waitUntil(() => isReady('sink'), patience);
  expect(processes.get('sink')?.pid).toBe(pid);
});

test('SIGTERM drains each of them, with exit code 0', async () => {
  for (const role of ROLES) {
    const running = processes.get(role);
    expect(readFileSync(`/proc/${running?.pid}/cmdline`, 'utf8')).toContain('--role');
    running?.kill('SIGTERM');
    const ran = await running?.ended;
    expect([ran?.code, ran?.stderr]).toEqual([0, '']);
    expect(events(ran?.stdout ?? '').at(-1)).toMatchObject({ msg: 'drained' });
  }
});

test('their logs are one JSON object per line with level, time, role and Pipeline, and hold no secret, nor do their arguments', async () => {
  for (const [name, running] of processes) {
    const { stdout, stderr } = await running.ended;
    const lines = events(stdout + stderr);
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines)
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(trace|debug|info|warn|error|fatal)$/),
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        role: name,
        ...(name === 'setup' ? {} : { pipeline: 'plant/pods' }),
      });
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  }
});

test('a mounted file that is missing is one sentence, as a line of the log, and exit code 2', async () => {
  const env = { ...variables('sink', 'writer'), MILLRACE_DATABASE_PASSWORD_FILE: '/etc/millrace/database/password' };
  const ran = await startMillrace(['run', '--role', 'sink', file], env, '/').ended;
  expect([ran.code, ran.stdout]).toEqual([2, '']);
  expect(events(ran.stderr)).toMatchObject([
    {
      level: 'fatal',
      role: 'sink',
      msg: 'millrace: --database-password-file (or MILLRACE_DATABASE_PASSWORD_FILE): the file /etc/millrace/database/password cannot be read: no such file; needed is one with a password',
    },
  ]);
});
