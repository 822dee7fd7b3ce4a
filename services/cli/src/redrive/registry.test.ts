/** Frames of devices, from the raw topic to the table, with the device registry in the database: what is unknown is not lost. */

import { writeFileSync } from 'node:fs';
import { fullAudit } from '@millrace/audit/full/full.ts';
import { connectDatabase } from '@millrace/core/database/connect.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { startFaultProxy } from '@millrace/embedded/faultProxy.ts';
import { CONTENT } from '@millrace/registry/testing/content.ts';
import { yamlOf } from '@millrace/registry/text.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { pipelineOf } from './testFeed.ts';
import { useServers } from './testRedrive.ts';

const stage = useServers();
const DEVICE = 'f2-02f200000001';
const FRAME = '01 03 0C 00 E1 01 C8 00 01 8B CD 02 9E 5F C4 DD D1';
const WAIT = { timeout: 60_000, interval: 100 };
/** Rows that a frame of the template `climate` gives. */
const DATAPOINTS = 6;

function framesOf(name: string): Pipeline {
  return pipelineOf(name, 0, {
    record: {
      decode: 'frame',
      key: 'device',
      time: { field: 'message.ts', format: ['iso', 'epoch_s', 'epoch_ms'] },
      fields: {
        device: { type: 'text', required: true },
        connector: { type: 'text', required: true },
        component: { type: 'text', required: true },
        datapoint: { type: 'text', required: true },
        value: { type: 'float' },
        unit: { type: 'text' },
        n: { type: 'int', from: 'message.n' },
      },
    },
  });
}

/** Message n, and the topic that it comes under. */
const message = (n: number): object => ({ ts: 1717394400 + n, n, frame: FRAME });
const under = (device: string): Record<string, string> => ({ 'mqtt-topic': `tele/${device}/modbus/J1/climate` });
const sixTimes = (all: number[]): number[] => all.flatMap((n) => Array<number>(DATAPOINTS).fill(n));

async function importRegistry(text: string): Promise<string> {
  const file = stage.fileOf(pipelineOf('registry')); // a path of the test's own
  writeFileSync(file, text);
  const { code, stdout, stderr } = await stage.run(['registry', 'import', file]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
}

test('a message of an unknown device is refused as that; once the device is registered its redrive stores every datapoint, once', {
  timeout: 300_000,
}, async () => {
  const feed = stage.feed('frames');
  const pipeline = framesOf('frames');
  expect(await importRegistry(yamlOf(CONTENT))).toContain('devices: 1 added');
  await feed.start(pipeline);
  await feed.append([message(0), message(1)], under(DEVICE));
  const stranger = 'f2-02f200000002';
  await feed.append([message(2), message(3)], under(stranger));
  await feed.settled();
  expect(await feed.stored()).toEqual(sixTimes([0, 1]));
  const refusals = await stage.refusals(feed);
  expect(refusals.map(({ refusal: { stage: at, reason } }) => [at, reason])).toEqual(Array(2).fill(['decode', 'device']));
  expect(refusals[0]?.refusal.message).toContain(`the device ${stranger} is unknown`);

  // Without the device, a redrive says that it would be refused again.
  expect((await stage.sent(pipeline, {}, stage.servers.kafka, false)).total('refused')).toBe(2);
  const known = { device: stranger, connector: 'J1' };
  const registered = yamlOf({
    ...CONTENT,
    types: [],
    templates: [],
    datapoints: [],
    devices: [{ name: stranger, title: null }],
    connectors: [{ device: stranger, name: 'J1', title: null }],
    pins: [{ ...known, component: 'climate', mode: 'modbus', template: 'climate' }],
  });
  expect(await importRegistry(registered)).toBe('devices: 1 added\nconnectors: 1 added\npins: 1 added\n');
  // The roles run on: they were told of the device.
  await feed.append([message(4)], under(stranger));
  await expect.poll(async () => (await feed.stored()).includes(4), WAIT).toBe(true);
  for (const _twice of [1, 2]) {
    await stage.sent(pipeline, { reasons: ['device'] });
    await feed.settled();
    expect(await feed.stored()).toEqual(sixTimes([0, 1, 2, 3, 4]));
  }
  const { rows } = await stage.servers.database.query(
    `SELECT device, datapoint, value, unit, time FROM "default".frames WHERE n = 2 ORDER BY value`,
  );
  expect(rows.map(({ datapoint, value, unit }) => [datapoint, value, unit])).toEqual([
    ['signal', -60, 'dBm'],
    ['temperature', 22.5, '°C'],
    ['humidity', 45.6, '%'],
    ['battery', 95, '%'],
    ['co2', 670, 'ppm'],
    ['pressure', 1013.25, 'hPa'],
  ]);
  expect(rows[0]).toMatchObject({ device: stranger, time: new Date('2024-06-03T06:00:02Z') });
  expect(await feed.audited(pipeline)).toEqual([]);
  const { checks } = await fullAudit(pipeline, stage.servers);
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
});

test('a wrong CRC, a short frame, odd hex digits, an unknown component: each is in the dead-letter topic with that reason', {
  timeout: 120_000,
}, async () => {
  await importRegistry(yamlOf(CONTENT));
  const feed = stage.feed('bad-frames');
  await feed.start(framesOf('bad-frames'));
  const bad = { crc: FRAME.replace('D1', 'D2'), short: FRAME.slice(0, -3), hex: FRAME.slice(0, -1) };
  for (const frame of Object.values(bad)) await feed.append([{ ts: 0, n: 0, frame }], under(DEVICE));
  await feed.append([message(0)], { 'mqtt-topic': `tele/${DEVICE}/modbus/J1/boiler` });
  await feed.append([message(1)], under(DEVICE));
  await feed.settled();
  const refusals = await stage.refusals(feed);
  expect(refusals.map(({ refusal }) => refusal.reason).toSorted()).toEqual(['component', 'crc', 'hex', 'short']);
  for (const { record } of refusals) expect(String(record.headers['mqtt-topic'])).toContain(DEVICE);
  expect(await feed.stored()).toEqual(sixTimes([1]));
  const { checks } = await fullAudit(framesOf('bad-frames'), stage.servers);
  expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
});

test('while the database is away nothing is refused for want of the registry: the processor waits, says so, and goes on', {
  timeout: 300_000,
}, async () => {
  await importRegistry(yamlOf(CONTENT));
  const url = new URL(stage.servers.env.MILLRACE_DATABASE ?? '');
  const proxy = await startFaultProxy(`${url.hostname}:${url.port}`);
  url.port = String(proxy.port);
  const away = connectDatabase({ url: url.href, applicationName: 'processor', log: pino({ level: 'silent' }) });
  const feed = stage.feed('away');
  try {
    await proxy.refuse();
    await feed.start(framesOf('away'), away);
    await feed.append([message(0), message(1)], under(DEVICE));
    await expect
      .poll(() => feed.processorHealth(), WAIT)
      .toMatchObject({ ready: false, phase: 'paused', state: expect.stringMatching(/the device registry was not read yet/) });
    expect(await Promise.all([feed.names.dlq, feed.names.processed].map((topic) => feed.records(topic)))).toEqual([0, 0]);
    await proxy.accept();
    await feed.settled();
    expect(await feed.stored()).toEqual(sixTimes([0, 1]));
    expect(await feed.records(feed.names.dlq)).toBe(0);
    expect(feed.processorHealth()).toMatchObject({ ready: true });

    // Away again: the last one that was read counts.
    await proxy.refuse();
    await feed.append([message(2)], under(DEVICE));
    await feed.settled();
    expect(await feed.stored()).toEqual(sixTimes([0, 1, 2]));
  } finally {
    await feed.stop();
    await away.end();
    await proxy.stop();
  }
});

test('what was exported is the same when it is imported, and nothing is imported of what is wrong', {
  timeout: 120_000,
}, async () => {
  await importRegistry(yamlOf(CONTENT));
  const exported = await stage.run(['registry', 'export']);
  expect(exported.code).toBe(0);
  expect(await importRegistry(exported.stdout)).toBe('nothing to change\n');
  const listed = await stage.run(['registry', 'list']);
  expect(listed.stdout).toMatch(new RegExp(`${DEVICE} +Hall, "north" +J1 +climate +modbus +climate +modbus +6\n`));
  const file = stage.fileOf(pipelineOf('wrong'));
  writeFileSync(file, 'devices:\n  - name: f2-0a0000000001\n  - name: hall\n');
  const { code, stderr } = await stage.run(['registry', 'import', file]);
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/nothing was imported\n.*wrong\.yaml:3:11 .*\n {2}found: {3}"hall"\n {2}allowed: f2-/),
  ]);
  expect((await stage.run(['registry', 'export'])).stdout).toBe(exported.stdout);
});
