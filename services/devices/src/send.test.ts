/** Commands through a real Mosquitto to devices with certificates, recorded in a real PostgreSQL. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeClient } from '@millrace/bootstrap/certificates.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import { findMosquitto } from '@millrace/embedded/mosquitto.ts';
import { type EmbeddedPostgres, startPostgres } from '@millrace/embedded/postgres.ts';
import { BROKER_USERS } from '@millrace/identity/mosquitto.ts';
import { startBroker, type TestBroker } from '@millrace/identity/testing/broker.ts';
import { withSession } from '@millrace/setup/session.ts';
import { migrate } from '@millrace/setup/system.ts';
import type { IPublishPacket, MqttClient } from 'mqtt';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { commandOf, type Result } from './command.ts';
import { type Link, linkTo } from './link.ts';
import { sendCommand } from './send.ts';

const none = findMosquitto() === null;
const log = pino({ level: 'silent' });
const WITHIN = { timeout: 30_000, interval: 20 };

let broker: TestBroker;
let postgres: EmbeddedPostgres;
let pool: Pool;
let link: Link;
beforeAll(async () => {
  if (none) return;
  [broker, postgres] = await Promise.all([startBroker(), startPostgres()]);
  pool = connectDatabase({ url: postgres.url, applicationName: 'send.test', log, max: 20 });
  await withSession(pool, 30_000, migrate);
  const { certificate, key } = await makeClient(broker.root, BROKER_USERS.commands, new Date());
  const file = (name: string, text: string): string => {
    writeFileSync(join(broker.folder, name), text);
    return join(broker.folder, name);
  };
  link = linkTo(
    {
      url: `mqtts://localhost:${broker.platformPort}`,
      ca: file('ca.crt', broker.root.certificate),
      certificate: file('commands.crt', certificate),
      key: file('commands.key', key),
    },
    log,
  );
  await link.connected(AbortSignal.timeout(30_000));
});
afterAll(async () => {
  await link?.stop();
  await pool?.end();
  await Promise.all([broker?.stop(), postgres?.stop()]);
});

type Reply = (client: MqttClient, topic: string, payload: Buffer, packet: IPublishPacket) => void;

/** A device that answers as `reply` says. @returns what it got */
async function deviceOf(name: string, reply: Reply, protocolVersion: 4 | 5 = 4): Promise<{ client: MqttClient; got: string[] }> {
  const client = await broker.connect(await broker.device(name), { protocolVersion });
  const got: string[] = [];
  client.on('message', (topic, payload, packet) => {
    got.push(payload.toString());
    reply(client, topic.replace(/^cmnd/, 'stat'), payload, packet);
  });
  await client.subscribeAsync(`cmnd/${name}/#`, { qos: 1 });
  return { client, got };
}

const send = (device: string, payload: string, topic = 'auto/J1/strike', timeoutSeconds = 20): Promise<Result> =>
  sendCommand(commandOf(device, { topic, payload, timeoutSeconds }), { pool, link, by: 'tests', log });

const recordOf = async ({ id }: Result) =>
  (await pool.query('SELECT * FROM millrace.device_commands WHERE id = $1', [id])).rows[0];

const textOf = ({ answer }: Result): string | undefined => answer?.payload.toString();

const echo: Reply = (client, topic, payload) => void client.publish(topic, `did ${payload}`, { qos: 1 });
const numbered: Reply = (client, topic, payload, { properties }) => {
  const { correlationData } = properties ?? {};
  client.publish(properties?.responseTopic ?? topic, `did ${payload}`, {
    qos: 1,
    properties: correlationData ? { correlationData } : {},
  });
};

describe.skipIf(none)(`a command${none ? ' (skipped: needs mosquitto)' : ''}`, () => {
  test('is answered, and both stand on record with who sent it and when', async () => {
    await deviceOf('f2-echo', echo);
    const result = await send('f2-echo', 'ON');
    expect(result).toMatchObject({ outcome: 'answered', recorded: true, answer: { matchedBy: 'topic' } });
    expect(textOf(result)).toBe('did ON');
    const record = await recordOf(result);
    expect(record).toMatchObject({
      device: 'f2-echo',
      topic: 'auto/J1/strike',
      sent_by: 'tests',
      outcome: 'answered',
      matched_by: 'topic',
    });
    expect([record.payload.toString(), record.answer.toString()]).toEqual(['ON', 'did ON']);
    expect(record.ended_at.getTime()).toBeGreaterThanOrEqual(record.sent_at.getTime());
  });

  test('is not sent at all where it cannot be recorded', async () => {
    const { got } = await deviceOf('f2-unrecorded', echo);
    await pool.query('ALTER TABLE millrace.device_commands RENAME TO away');
    try {
      await expect(send('f2-unrecorded', 'lost')).rejects.toThrow('device_commands');
    } finally {
      await pool.query('ALTER TABLE millrace.away RENAME TO device_commands');
    }
    expect(textOf(await send('f2-unrecorded', 'kept'))).toBe('did kept');
    expect(got).toEqual(['kept']);
  });

  test.each([
    ['without numbers (MQTT 3.1.1)', 4 as const, echo, 'topic'],
    ['with numbers (MQTT 5)', 5 as const, numbered, 'correlation'],
  ])('and forty others at the same time get each its own answer: %s', { timeout: 90_000 }, async (_what, version, reply, by) => {
    const name = `f2-many-${version}`;
    // Answers come late and in no order.
    const { got } = await deviceOf(name, (...words) => void setTimeout(() => reply(...words), Math.random() * 40), version);
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, at) => send(name, `number ${at}`, `auto/J${at % 4}/strike`, 60)),
    );
    expect(all.map(textOf)).toEqual(all.map((_, at) => `did number ${at}`));
    expect(new Set(all.map(({ answer }) => answer?.matchedBy))).toEqual(new Set([by]));
    expect(got.toSorted()).toEqual(all.map((_, at) => `number ${at}`).toSorted());
  });

  test('does not take what was said before, by others, or for another command as its answer', async () => {
    const name = 'f2-talks';
    const { client } = await deviceOf(name, numbered, 5);
    await client.publishAsync(`stat/${name}/auto/J1/strike`, 'retained', { qos: 1, retain: true });
    expect(textOf(await send(name, 'first'))).toBe('did first');
    // It has sent a number back: what comes without one it says by itself.
    client.removeAllListeners('message');
    client.on('message', (topic, payload, packet) => {
      const stat = topic.replace(/^cmnd/, 'stat');
      client.publish(stat, 'by itself', { qos: 1 });
      client.publish(stat, 'another', { qos: 1, properties: { correlationData: Buffer.alloc(16) } });
      numbered(client, stat, payload, packet);
    });
    expect(textOf(await send(name, 'second'))).toBe('did second');
  });

  test('to a device that is not there says so at once', async () => {
    const from = performance.now();
    const result = await send('f2-nobody', 'ON', 'x', 60);
    expect(result).toMatchObject({ outcome: 'undelivered', answer: null });
    expect(performance.now() - from).toBeLessThan(50_000);
    expect(await recordOf(result)).toMatchObject({ outcome: 'undelivered', answer: null });
  });

  test('that is not answered ends in time, and its late answer is nobody else’s', { timeout: 60_000 }, async () => {
    const late: (() => void)[] = [];
    const { got } = await deviceOf('f2-slow', (client, topic, payload) => {
      const answer = (): void => void client.publish(topic, `did ${payload}`, { qos: 1 });
      if (payload.toString() === 'first') late.push(answer);
      else answer();
    });
    const first = await send('f2-slow', 'first', 'x', 1);
    expect(first).toMatchObject({ outcome: 'unanswered', answer: null });
    const second = send('f2-slow', 'second', 'x', 30);
    for (const answer of late) answer();
    expect(textOf(await second)).toBe('did second');
    expect(got).toEqual(['first', 'second']);
  });

  test('is refused while another one waits for its answer', async () => {
    await deviceOf('f2-busy', () => undefined);
    const first = send('f2-busy', 'first', 'x', 4);
    await vi.waitFor(async () => {
      const { rowCount } = await pool.query(`SELECT FROM millrace.device_commands WHERE device = 'f2-busy'`);
      expect(rowCount).toBe(1);
    }, WITHIN);
    await expect(send('f2-busy', 'second', 'x', 1)).rejects.toMatchObject({ name: 'NotSent', why: 'busy' });
    expect((await pool.query(`SELECT FROM millrace.device_commands WHERE device = 'f2-busy'`)).rowCount).toBe(1);
    expect((await first).outcome).toBe('unanswered');
  });

  test('does not reach a device that comes back after its time', { timeout: 60_000 }, async () => {
    const owner = await broker.device('f2-away');
    const lasting = {
      clientId: 'f2-away',
      clean: false,
      protocolVersion: 5 as const,
      properties: { sessionExpiryInterval: 3_600 },
    };
    const before = await broker.connect(owner, lasting);
    await before.subscribeAsync('cmnd/f2-away/#', { qos: 1 });
    await before.endAsync();
    expect((await send('f2-away', 'too late', 'x', 1)).outcome).toBe('unanswered');
    expect((await send('f2-away', 'in time', 'y', 1)).outcome).toBe('unanswered'); // a broker counts in whole seconds
    const got: string[] = [];
    const back = await broker.connect(owner, { ...lasting, reconnectPeriod: 0 });
    back.on('message', (topic, payload) => {
      got.push(payload.toString());
      back.publish(topic.replace(/^cmnd/, 'stat'), 'back', { qos: 1 });
    });
    expect(textOf(await send('f2-away', 'now', 'z'))).toBe('back');
    expect(got).not.toContain('too late');
    expect(got).toContain('now');
  });

  test('is told as failed where the broker is lost on the way, and is not sent again by itself', {
    timeout: 90_000,
  }, async () => {
    const { got } = await deviceOf('f2-lost', () => undefined);
    const waiting = send('f2-lost', 'once', 'x', 60);
    await vi.waitFor(() => expect(got).toEqual(['once']), WITHIN);
    broker.mosquitto.kill('SIGKILL');
    const result = await waiting;
    expect(result).toMatchObject({ outcome: 'failed', recorded: true });
    await expect(send('f2-lost', 'twice')).rejects.toMatchObject({ name: 'NotSent', why: 'away' });
    await broker.mosquitto.exited;
    await broker.mosquitto.start();
    await link.connected(AbortSignal.timeout(30_000));
    const again = await deviceOf('f2-lost', echo);
    expect(textOf(await send('f2-lost', 'third', 'y'))).toBe('did third');
    expect(again.got).toEqual(['third']);
  });
});
