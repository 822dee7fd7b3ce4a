/** Contract of the reader against a real broker: where it goes on, and what it says of a log that is another one. */
import { describe, expect, test } from 'vitest';
import { eventually, follow, kafka, NOTHING, proxy, removeRecords, send, server, topic, withBroker } from '../testing/follow.ts';
import { Reload } from './kafka.ts';

withBroker();

describe('where a reader goes on', () => {
  test('a new reader takes everything from the beginning, each partition in order, and then what comes', async () => {
    await send(0, 'a', 'b');
    await send(1, 'A');
    const seen = await follow();
    await expect.poll(() => [seen.rows(0), seen.rows(1)], eventually).toEqual([['a', 'b'], ['A']]);
    await send(0, 'c');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.reader.partitions()).toEqual([
      { partition: 0, state: 'reading', reason: null, next: 3, end: 3 },
      { partition: 1, state: 'reading', reason: null, next: 1, end: 1 },
    ]);
    expect(seen.notices).toEqual([]);
  });

  test('the next reader goes on at the position, not at what the group committed', async () => {
    await send(0, 'a', 'b', 'c');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toEqual(['a', 'b', 'c']);
    await first.reader.close();
    await kafka.commit(`${topic}.test`, topic, 0, { offset: 1, metadata: '' });
    await send(0, 'd');
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c', 'd']);
    expect(second.notices).toEqual([]);
  });

  test('what retention took unread is told, to the record, before what follows', async () => {
    await send(0, 'a', 'b', 'c', 'd', 'e');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toHaveLength(5);
    await first.reader.close();
    await send(0, 'f', 'g', 'h');
    await removeRecords(0, 7);
    const told: number[] = [];
    const second = await follow({ stores: first.stores, before: () => void told.push(second.notices.length) });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c', 'd', 'e', 'h']);
    expect(second.notices).toEqual([{ kind: 'lost', topic, partition: 0, next: 5, start: 7, records: 2 }]);
    expect(told).toEqual([1]);
  });

  test('retention that took exactly what was read is no loss', async () => {
    await send(0, 'a', 'b');
    const first = await follow();
    await expect.poll(() => first.rows(0), eventually).toHaveLength(2);
    await first.reader.close();
    await removeRecords(0, 2);
    await send(0, 'c');
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(second.notices).toEqual([]);
  });

  test('another record where the last one stood: the log was cut and grew again, read from its beginning', async () => {
    await send(0, 'a', 'b', 'c');
    const id = (await kafka.topic(topic))?.id ?? '';
    const bookmark = { timestampMs: 1, matches: () => true };
    const seen = await follow({
      stores: [
        { position: { next: 2, topicId: id, bookmark }, rows: [] },
        { position: NOTHING, rows: [] },
      ],
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.notices).toEqual([
      { kind: 'truncated', topic, partition: 0, next: 2, end: 3, restartAt: 0, bookmark: { timestampMs: 1 } },
    ]);
  });

  test('a notice comes again with a load that leads to it, marked, until a batch was handled', async () => {
    await send(0, 'a', 'b', 'c');
    let failures = 2;
    const bookmark = { timestampMs: 1, matches: () => true };
    const stores = [
      { position: { next: 9, topicId: (await kafka.topic(topic))?.id ?? '', bookmark }, rows: [] },
      { position: NOTHING, rows: [] },
    ];
    const seen = await follow({
      stores,
      before: () => {
        if (failures-- > 0) throw new Reload('not yet');
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b', 'c']);
    expect(seen.notices.map(({ kind, again }) => [kind, again])).toEqual([
      ['truncated', undefined],
      ['truncated', true],
      ['truncated', true],
    ]);
  });
});

describe('a topic that is deleted and created again', () => {
  test('under a busy reader: nothing of the new one is lost, nothing of it comes under the old id', async () => {
    await send(0, ...Array.from({ length: 50 }, (_, index) => `old-${index}`));
    const old = (await kafka.topic(topic))?.id;
    const ids = new Map<string, string>();
    const seen = await follow({
      before: async (batch) => {
        for (const { value } of batch.records) ids.set(String(value), batch.topicId);
        await new Promise((resolve) => setTimeout(resolve, 30));
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toHaveLength(50);
    await send(0, 'old-last');
    await kafka.deleteTopic(topic);
    await kafka.createTopic({ name: topic, partitions: 2, config: {} });
    const texts = Array.from({ length: 150 }, (_, index) => `new-${index}`);
    for (let i = 0; i < texts.length; i += 10) await send(0, ...texts.slice(i, i + 10));
    await expect.poll(() => seen.rows(0).filter((row) => row.startsWith('new')), eventually).toEqual(texts);
    const found = (await kafka.topic(topic))?.id;
    expect(new Set(texts.map((text) => ids.get(text)))).toEqual(new Set([found]));
    expect(seen.notices.filter(({ partition, again }) => partition === 0 && !again)).toEqual([
      { kind: 'recreated', topic, partition: 0, expected: old, found, restartAt: 0 },
    ]);
  });
});

describe('a position that cannot be loaded', () => {
  test('pauses the partition with the reason, reads nothing, and goes on when it can', async () => {
    await send(0, 'a');
    let isDown = true;
    const seen = await follow({
      load: () => {
        if (isDown) throw new Error('no route to database');
      },
    });
    await expect
      .poll(() => seen.reader.partitions().map(({ state, reason }) => [state, reason]), eventually)
      .toEqual([
        ['paused', 'no route to database'],
        ['paused', 'no route to database'],
      ]);
    expect(seen.rows(0)).toEqual([]);
    isDown = false;
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a']);
  });
});

describe('when Kafka fails', () => {
  test('broken connections, late answers and a while without broker: each record once, in order', async () => {
    const seen = await follow();
    const texts = Array.from({ length: 80 }, (_, index) => String(index));
    const sending = (async () => {
      for (const text of texts) {
        await send(0, text);
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    await expect.poll(() => seen.rows(0).length, eventually).toBeGreaterThan(2);
    proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 500));
    proxy.delay(80);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await proxy.refuse();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await proxy.heal();
    await sending;
    await expect.poll(() => seen.rows(0), eventually).toEqual(texts);
    expect(seen.notices).toEqual([]);
  });

  test('a broker that is killed and comes back: reading goes on by itself where it was', async () => {
    const seen = await follow();
    await send(0, 'a');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a']);
    const [node] = server.nodes;
    node?.kill('SIGKILL');
    await node?.exited;
    await expect.poll(() => seen.reader.partitions().every(({ state }) => state === 'reading'), eventually).toBe(false);
    await node?.start();
    await send(0, 'b');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b']);
    expect(seen.notices).toEqual([]);
  });
});
