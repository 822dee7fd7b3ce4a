import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { mountSmallDisk } from './smallDisk.ts';

const MEGABYTES = 128;
const RECORD_BYTES = 100_000;

test("Kafka's disk is full: a send waits, and when there is room again each record is there once", async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kafka-disk-'));
  const mounted = await mountSmallDisk(join(folder, 'disk'), MEGABYTES);
  const disk = mounted ?? skip('needs a mountable tmpfs');
  const log = pino({ level: 'silent' });
  const broker = await startKafka({ folder: join(disk.path, 'kafka') });
  const [node] = broker.nodes;
  if (!node) throw new Error('no broker');
  const kafka = connectKafka({ brokers: broker.brokers, clientId: 'test', log });
  const sender = kafka.sender();
  try {
    await kafka.createTopic({ name: 'full', partitions: 1, config: {} });
    const send = async (n: number): Promise<void> => {
      const value = Buffer.from(String(n).padEnd(RECORD_BYTES));
      await sender.send('full', 0, [{ key: null, value, headers: {} }]);
    };
    for (let n = 0; n < 10; n++) await send(n);
    disk.fill();
    const waiting = send(10);
    await node.exited; // it ends by itself, since its only disk failed
    disk.free();
    await node.start();
    await waiting;
    for (let n = 11; n < 20; n++) await send(n);
    const found: number[] = [];
    for await (const { value } of kafka.range('full', 0, 0, (await kafka.bounds('full'))[0]?.end ?? 0)) found.push(Number(value));
    expect(found).toEqual(Array.from({ length: 20 }, (_, n) => n));
  } finally {
    disk.free();
    await sender.close();
    await kafka.close();
    await broker.stop();
    await disk.unmount();
    rmSync(folder, { recursive: true, force: true });
  }
});
