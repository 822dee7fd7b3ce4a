/**
 * Phones with the app Sensor Logger, as far as a receiver can tell: each sends a push every second, many are sent late (no network),
 * some again (the answer was lost), and they arrive in another order than they were made. The same seed gives the same pushes.
 *
 *     MILLRACE_HTTP_URL=http://127.0.0.1:8090 MILLRACE_SECRETS=.millrace/secrets node examples/phone-sensors/simulate.ts [phones] [pushes] [seed]
 *
 * It ends with 0 when all are answered 200, and with 1 where one is refused, or nothing was taken for two minutes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Plan {
  phones: number;
  /** Of each phone, one a second. */
  pushes: number;
  seed: number;
}

export const DEMO: Plan = { phones: 20, pushes: 60, seed: 1 };

export interface Reading {
  device: string;
  session: string;
  sensor: string;
  timeNs: bigint;
  values: Record<string, number>;
}

export interface Push {
  readings: Reading[];
  /** The body. */
  text: string;
}

/** Monday, 27 May 2024, 08:00 UTC. */
const START_MS = Date.UTC(2024, 4, 27, 8);
const PUSH_MS = 1_000;
const LATE_SHARE = 0.1;
const AGAIN_SHARE = 0.1;
const MOST_LATE_MS = 300_000;
/** Pushes overtake each other by up to so much. */
const JITTER_MS = 3_000;
const SENSORS: Record<string, readonly string[]> = {
  accelerometer: ['x', 'y', 'z'],
  gyroscope: ['x', 'y', 'z'],
  gravity: ['x', 'y', 'z'],
  magnetometer: ['x', 'y', 'z'],
  orientation: ['yaw', 'pitch', 'roll', 'qx', 'qy', 'qz', 'qw'],
};

/** Random numbers from 0 to below 1 (mulberry32, https://github.com/cprosche/mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** All pushes in the order in which they are sent, those that are sent again included. */
export function pushesOf({ phones, pushes, seed }: Plan): Push[] {
  const random = randomOf(seed);
  const sent: { atMs: number; push: Push }[] = [];
  for (let phone = 0; phone < phones; phone++) {
    const device = `phone-${String(phone + 1).padStart(4, '0')}`;
    const session = `${device}-session-1`;
    for (let n = 0; n < pushes; n++) {
      const atMs = START_MS + n * PUSH_MS;
      const push = makePush(device, session, n, atMs, random);
      const lateMs = random() < LATE_SHARE ? random() * MOST_LATE_MS : 0;
      sent.push({ atMs: atMs + lateMs + random() * JITTER_MS, push });
      if (random() < AGAIN_SHARE) sent.push({ atMs: atMs + lateMs + random() * MOST_LATE_MS, push });
    }
  }
  return sent.sort((a, b) => a.atMs - b.atMs).map(({ push }) => push);
}

function makePush(device: string, session: string, n: number, atMs: number, random: () => number): Push {
  const readings = Object.entries(SENSORS).map(([sensor, names], at): Reading => {
    // Sensors tick on their own: no two readings of a push at the same nanosecond, and digits that no float64 keeps.
    const timeNs = BigInt(atMs + at * 100) * 1_000_000n + BigInt(Math.floor(random() * 100_000_000)) + 1n;
    const values = Object.fromEntries(names.map((name) => [name, (random() - 0.5) * 20]));
    return { device, session, sensor, timeNs, values: sensor === 'orientation' ? withUnitQuaternion(values) : values };
  });
  const payload = readings.map(
    ({ sensor, timeNs, values }) => `{"name":"${sensor}","time":${timeNs},"accuracy":3,"values":${JSON.stringify(values)}}`,
  );
  const text = `{"messageId":${n + 1},"sessionId":"${session}","deviceId":"${device}","payload":[${payload.join(',')}]}`;
  return { readings, text };
}

function withUnitQuaternion(values: Record<string, number>): Record<string, number> {
  const { qx = 0, qy = 0, qz = 0, qw = 0 } = values;
  const length = Math.sqrt(qx * qx + qy * qy + qz * qz + qw * qw);
  return { ...values, qx: qx / length, qy: qy / length, qz: qz / length, qw: qw / length };
}

const AT_A_TIME = 8;
const ANSWER_MS = 20_000;
const PATIENCE_MS = 120_000;

/** Sends them in order, several at a time, each until it is answered 200. @throws Error for one that is refused, or when nothing is taken any more */
async function sendAll(bodies: readonly string[], url: string, token: string): Promise<void> {
  let next = 0;
  let takenAtMs = performance.now();
  async function sendOne(body: string): Promise<void> {
    for (;;) {
      const answer = await post(url, token, body);
      if (answer.code === 200) {
        takenAtMs = performance.now();
        return;
      }
      if (answer.code >= 400 && answer.code < 500 && answer.code !== 429 && answer.code !== 408)
        throw new Error(`${url} answers ${answer.code}: ${answer.text}`);
      if (performance.now() - takenAtMs > PATIENCE_MS) throw new Error(`${url} takes nothing: ${answer.text}`);
      await sleep(answer.retryMs);
    }
  }
  const sender = async (): Promise<void> => {
    for (let at = next++; at < bodies.length; at = next++) await sendOne(bodies[at] as string);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, sender));
}

async function post(url: string, token: string, body: string): Promise<{ code: number; text: string; retryMs: number }> {
  try {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await answer.text();
    return { code: answer.status, text, retryMs: 1_000 * Number(answer.headers.get('retry-after') ?? 1) };
  } catch (error) {
    return { code: 0, text: String((error as Error).cause ?? error), retryMs: 500 }; // it is not there (yet): sent again
  }
}

async function main(): Promise<void> {
  const { MILLRACE_HTTP_URL: base, MILLRACE_SECRETS: secrets } = process.env;
  if (!base || !secrets)
    throw new Error('MILLRACE_HTTP_URL must say where to send to, and MILLRACE_SECRETS which folder has phone-sensors/token');
  process.once('disconnect', () => process.exit(1)); // the run that started it is gone
  const [phones, pushes, seed] = process.argv.slice(2).map(Number);
  const plan = { phones: phones ?? DEMO.phones, pushes: pushes ?? DEMO.pushes, seed: seed ?? DEMO.seed };
  const token = readFileSync(join(secrets, 'phone-sensors', 'token'), 'utf8').trim();
  const real = readFileSync(join(import.meta.dirname, 'push.json'), 'utf8');
  const bodies = [real, ...pushesOf(plan).map(({ text }) => text)];
  await sendAll(bodies, `${base}/logs`, token);
  process.stdout.write(`${bodies.length} pushes sent\n`);
  process.exit(0); // the channel to who started it would keep it
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}
