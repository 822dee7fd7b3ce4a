/** A redrive that is killed, interrupted, doubled or never answered: each row is stored once. */
import type { Kafka, Sender } from '@millrace/core/kafka/kafka.ts';
import { expect, test } from 'vitest';
import { startMillrace } from '../testing.ts';
import { reading } from './testFeed.ts';
import { upTo, useServers } from './testRedrive.ts';

const stage = useServers();

test('a redrive that is killed midway and run twice again stores each row once', { timeout: 400_000 }, async () => {
  const many = 8_000;
  const { feed, pipeline } = await stage.corrected(
    'killed',
    upTo(many).map((n) => reading(n, 100)),
  );
  await feed.stop(); // so that what is sent twice is not stored before it is sent again
  const words = stage.words('dlq', 'redrive', stage.fileOf(pipeline), '--yes');
  const first = startMillrace(words, stage.servers.env);
  await expect.poll(() => feed.records(feed.names.raw), { timeout: 60_000, interval: 20 }).toBeGreaterThan(many);
  first.kill('SIGKILL');
  expect((await first.ended).code).toBe(null);
  const killedAt = (await feed.records(feed.names.raw)) - many;
  expect(killedAt, 'a kill after the end proves nothing').toBeLessThan(many);
  expect((await startMillrace(words, stage.servers.env).ended).stdout).toContain('8,000 refusals sent');
  await feed.start(pipeline);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(many));
  expect((await startMillrace(words, stage.servers.env).ended).stdout).toContain(
    '8,000 selected, 8,000 of them redriven and stored before',
  );
  expect(await feed.audited(pipeline)).toEqual([]);
  expect(await feed.records(feed.names.raw)).toBe(2 * many + killedAt);
});

test('redrives at the same time, under a live feed, store each row once', { timeout: 400_000 }, async () => {
  const many = 3_000;
  const { feed, pipeline } = await stage.corrected(
    'twice',
    upTo(many).map((n) => reading(n, 100)),
  );
  let live = many;
  let isFeeding = true;
  const feeding = (async () => {
    for (; isFeeding; live += 50) await feed.append(upTo(50).map((n) => reading(live + n)));
  })();
  const words = stage.words('dlq', 'redrive', stage.fileOf(pipeline), '--yes');
  await feed.stop(); // so that both send all
  const both = await Promise.all([1, 2].map(() => startMillrace(words, stage.servers.env).ended));
  expect(both.map(({ code, stdout }) => [code, stdout.includes('3,000 refusals sent')])).toEqual([
    [0, true],
    [0, true],
  ]);
  await feed.start(pipeline);
  const third = await startMillrace(words, stage.servers.env).ended; // while rows of the other two are stored
  expect(third.code).toBe(0);
  isFeeding = false;
  await feeding;
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(live));
  expect(await feed.audited(pipeline)).toEqual([]);
});

test('Ctrl-C ends it between two batches, says how far it came, and loses nothing', { timeout: 300_000 }, async () => {
  const many = 6_000;
  const { feed, pipeline } = await stage.corrected(
    'interrupted',
    upTo(many).map((n) => reading(n, 100)),
  );
  const words = stage.words('dlq', 'redrive', stage.fileOf(pipeline), '--yes');
  const running = startMillrace(words, stage.servers.env);
  await expect.poll(() => feed.records(feed.names.raw), { timeout: 60_000, interval: 20 }).toBeGreaterThan(many);
  running.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(130);
  const [, said] = /interrupted: ([\d,]+) refusals sent/.exec(stdout) ?? [];
  expect(await feed.records(feed.names.raw)).toBe(many + Number(said?.replaceAll(',', '')));
  await startMillrace(words, stage.servers.env).ended;
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(many));
});

test('a send that was written and never acknowledged ends the redrive with an error; the next one stores each row once', {
  timeout: 300_000,
}, async () => {
  const { feed, pipeline } = await stage.corrected(
    'unanswered',
    upTo(1_500).map((n) => reading(n, 100)),
  );
  let sends = 0;
  const unanswered: Kafka = {
    ...stage.servers.kafka,
    sender: (): Sender => {
      const sender = stage.servers.kafka.sender();
      return {
        close: () => sender.close(),
        send: async (...args) => {
          const answer = await sender.send(...args);
          if (++sends === 2) throw new Error('no acknowledgement');
          return answer;
        },
      };
    },
  };
  await expect(stage.sent(pipeline, {}, unanswered)).rejects.toThrow('no acknowledgement');
  await stage.sent(pipeline);
  await feed.settled();
  expect(await feed.stored()).toEqual(upTo(1_500));
  expect(await feed.audited(pipeline)).toEqual([]);
});
