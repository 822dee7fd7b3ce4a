/** Contract of the reader against a real broker: handlers, and the members of a group. */
import { describe, expect, test } from 'vitest';
import { eventually, follow, kafka, NOTHING, open, type Store, send, topic, withBroker } from '../testing/follow.ts';
import { type Batch, Reload } from './kafka.ts';

withBroker();

describe('a handler', () => {
  test('that takes longer than the session holds nobody up and keeps its partition', async () => {
    const release = Promise.withResolvers<void>();
    let committed: Promise<void> | null = null;
    const seen = await follow({
      before: async (batch) => {
        if (batch.partition !== 0) return;
        await release.promise;
        committed = batch.commit(batch.next, 'after a long time');
        await committed;
      },
    });
    await send(0, 'slow');
    await expect.poll(() => seen.reader.partitions().find(({ partition }) => partition === 0)?.state, eventually).toBe('paused');
    const since = performance.now();
    for (let i = 0; performance.now() - since < 7_000; i++) {
      await send(1, `quick-${i}`);
      await expect.poll(() => seen.rows(1), eventually).toHaveLength(i + 1);
    }
    release.resolve();
    await expect.poll(() => seen.rows(0), eventually).toEqual(['slow']);
    await committed;
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map([[0, { offset: 1, metadata: 'after a long time' }]]));
    expect(seen.loads).toBe(2); // one per partition: it was never given up
  });

  test('that is stuck when another member joins: that one gets its share, the stuck one is aborted and may not commit', async () => {
    const release = Promise.withResolvers<void>();
    const outcome = Promise.withResolvers<unknown>();
    let running = 0;
    let most = 0;
    const stuck = async (batch: Batch) => {
      if (batch.partition !== 0 || batch.records.some(({ value }) => String(value) !== 'stuck')) return;
      most = Math.max(most, ++running);
      await release.promise;
      running--;
      expect(batch.signal.aborted).toBe(true);
      outcome.resolve(await batch.commit(batch.next, 'too late').catch((error: unknown) => error));
      throw new Error('aborted');
    };
    const first = await follow({ before: stuck });
    await send(0, 'stuck');
    await expect.poll(() => running, eventually).toBe(1);
    const second = await follow({ stores: first.stores });
    await expect.poll(() => second.reader.partitions().length, eventually).toBe(1);
    await expect.poll(() => first.reader.partitions().length, eventually).toBe(1);
    await send(1, 'A');
    await expect.poll(() => first.rows(1), eventually).toEqual(['A']);
    release.resolve();
    expect(await outcome.promise).toBeInstanceOf(Error);
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map());
    expect(most).toBe(1);
  });

  test('that fails gets the same records again, after a pause that says why', async () => {
    let failures = 2;
    const reasons: (string | null | undefined)[] = [];
    const seen = await follow({
      before: async (batch) => {
        if (batch.partition === 0 && failures-- > 0) {
          setTimeout(() => reasons.push(seen.reader.partitions()[0]?.reason), 50);
          throw new Error('database unreachable');
        }
      },
    });
    await send(0, 'a', 'b');
    await expect.poll(() => seen.rows(0), eventually).toEqual(['a', 'b']);
    expect(reasons).toEqual(['database unreachable', 'database unreachable']);
  });

  test('that wants its position loaded again gets it at once, from where the other one moved it', async () => {
    await send(0, 'a', 'b', 'c');
    let moved = false;
    const seen = await follow({
      before: (batch) => {
        if (moved || batch.partition !== 0) return;
        moved = true;
        const [, second] = batch.records;
        const bookmark = { timestampMs: second?.timestampMs ?? 0, matches: () => true };
        (seen.stores[0] as Store).position = { next: 2, topicId: batch.topicId, bookmark };
        throw new Reload('moved by another');
      },
    });
    await expect.poll(() => seen.rows(0), eventually).toEqual(['c']);
  });

  test('is called for no more partitions at a time than asked for', async () => {
    await kafka.addPartitions(topic, 4);
    for (let partition = 0; partition < 4; partition++) await send(partition, 'a');
    let running = 0;
    let most = 0;
    const seen: number[] = [];
    const reader = await kafka.read({
      group: `${topic}.two`,
      topic,
      concurrency: 2,
      load: async () => NOTHING,
      handle: async ({ partition }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 100));
        running--;
        seen.push(partition);
      },
      notice: () => {},
    });
    open.push(reader);
    await expect.poll(() => [...seen].sort(), eventually).toEqual([0, 1, 2, 3]);
    expect(most).toBe(2);
  });
});

describe('the group', () => {
  test('a member that closes leaves at once: the other one has its partitions without waiting for the session', async () => {
    const first = await follow();
    await expect.poll(() => first.reader.partitions().length, eventually).toBe(2);
    const second = await follow();
    await expect.poll(() => [first.reader.partitions().length, second.reader.partitions().length], eventually).toEqual([1, 1]);
    await first.reader.close();
    await expect.poll(() => second.reader.partitions().length, { timeout: 4_000, interval: 20 }).toBe(2);
  });

  test('closing lets the running handler finish and commit', async () => {
    const begun = Promise.withResolvers<void>();
    const seen = await follow({
      before: async (batch) => {
        begun.resolve();
        await new Promise((resolve) => setTimeout(resolve, 300));
        await batch.commit(batch.next, 'at the end');
      },
    });
    await send(1, 'A');
    await begun.promise;
    await seen.reader.close();
    expect(seen.rows(1)).toEqual(['A']);
    expect(await kafka.committed(`${topic}.test`, topic)).toEqual(new Map([[1, { offset: 1, metadata: 'at the end' }]]));
  });

  test('partitions that are added are read by themselves', async () => {
    const seen = await follow();
    await expect.poll(() => seen.reader.partitions().length, eventually).toBe(2);
    await kafka.addPartitions(topic, 3);
    await send(2, 'a');
    await expect.poll(() => seen.rows(2), eventually).toEqual(['a']);
  });

  test('a topic that is not there is an error', async () => {
    const nothing = { load: async () => NOTHING, handle: async () => {}, notice: () => {} };
    await expect(kafka.read({ group: 'g', topic: 'nowhere', ...nothing })).rejects.toThrow(
      'there is no topic nowhere in Kafka at',
    );
  });
});
