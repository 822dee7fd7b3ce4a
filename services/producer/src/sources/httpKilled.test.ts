/** Whatever is killed under load, what was answered 200 is in Kafka. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { startKafka } from '@millrace/embedded/kafka.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createTopic, pipelineOf, recordsOf, until } from '../testing/pipeline.ts';

const SCRIPT = fileURLToPath(new URL('../testing/run.ts', import.meta.url));
const CLIENTS = 8;
const WAIT_MS = 90_000;

test('a producer that is killed, and a broker that is killed, lose nothing that was answered 200', {
  timeout: 300_000,
}, async () => {
  const server = await startKafka();
  const kafka = connectKafka({ brokers: server.brokers, clientId: 'test', log: pino({ level: 'silent' }) });
  const pipeline = pipelineOf('killed', { http: { auth: { open: true } } });
  const [port = 0] = await freePorts(1);
  const children = new Set<ChildProcess>();
  const start = (): ChildProcess => {
    const env = { ...process.env, HTTP_PORT: String(port) };
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(pipeline), '/', ...server.brokers], { env, stdio: 'ignore' });
    children.add(child);
    return child;
  };
  const acknowledged: number[] = [];
  const codes = new Map<number, number>();
  let sent = 0;
  let ending = false;
  async function client(device: number): Promise<void> {
    while (!ending) {
      const n = sent++;
      const body = JSON.stringify({ device: `d${device}`, at: '2026-01-01T00:00:00Z', value: n });
      const code = await fetch(`http://127.0.0.1:${port}/pipelines/killed`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).then(
        ({ status }) => status,
        () => 0,
      );
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code === 200) acknowledged.push(n);
      else await sleep(20);
    }
  }
  const untilMore = (count: number): Promise<true> => {
    const goal = acknowledged.length + count;
    return until(() => (acknowledged.length >= goal ? true : null), WAIT_MS);
  };
  try {
    await createTopic(kafka, pipeline);
    let child = start();
    const clients = Array.from({ length: CLIENTS }, (_, device) => client(device));
    for (let kills = 0; kills < 3; kills++) {
      await untilMore(200);
      child.kill('SIGKILL');
      await once(child, 'exit');
      child = start();
    }
    await untilMore(200);
    const [broker] = server.nodes;
    if (!broker) throw new Error('no broker');
    broker.kill('SIGKILL');
    await broker.exited;
    codes.delete(503); // also the answer of a producer that has just begun
    await until(() => ((codes.get(503) ?? 0) > 0 ? true : null), WAIT_MS);
    await broker.start();
    await untilMore(200);
    ending = true;
    await Promise.all(clients);
    const stored = new Set(
      (await recordsOf(kafka, namesOf(pipeline).raw))
        .flat()
        .map(({ value }) => (JSON.parse(String(value)) as { value: number }).value),
    );
    expect(acknowledged.filter((n) => !stored.has(n))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(1_000);
    expect([...codes.keys()].every((code) => [0, 200, 429, 503].includes(code))).toBe(true);
  } finally {
    ending = true;
    for (const child of children) child.kill('SIGKILL');
    await kafka.close();
    await server.stop();
  }
});
