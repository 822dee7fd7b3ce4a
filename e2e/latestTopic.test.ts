import { namesOf } from '@millrace/core/spec/names.ts';
import { differences, unsentOf } from '@millrace/sink/latestTopic/testTopic.ts';
import { afterAll, expect, test } from 'vitest';
import { attack } from './faults/attack.ts';
import { cutDatabase, cutKafka } from './faults/cut.ts';
import { dropAnswers } from './faults/dropAnswers.ts';
import { freeze } from './faults/freeze.ts';
import { killBroker } from './faults/killBroker.ts';
import { killDatabase } from './faults/killDatabase.ts';
import { killMember } from './faults/killMember.ts';
import { recreateTopic } from './faults/recreateTopic.ts';
import { faultSchedule } from './faults/schedule.ts';
import { until } from './faults/until.ts';
import { inputEnded, settled } from './observe.ts';
import { type Platform, removeFolder, startPlatform } from './platform.ts';
import { expectEachRowOnce } from './proof.ts';
import { proofYaml } from './proofFeed.ts';

/** What may happen to a sender of newest rows, and to the servers that it needs. */
const FAULTS = [
  killMember('sink'),
  freeze('newestBegun'),
  freeze('newestCommitted'),
  freeze('stored'),
  dropAnswers('EndTxn'),
  cutKafka,
  cutDatabase,
  killBroker('coordinator'),
  killDatabase,
  recreateTopic('latest'),
];
/** More than the faults take, on a slow machine too; what is left then comes at once. */
const FEED = { records: 100_000, badEvery: 1_000, recordsPerSecond: 200, partitions: 3, hasTopic: true };

/** A seed can be given again: SEED=… */
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
let platform: Platform | undefined;

afterAll(async () => {
  await platform?.stop();
});

test('the topic of newest rows is what their table is after faults of all kinds to those who send it', {
  timeout: 900_000,
}, async () => {
  const startedAt = performance.now();
  const say = (line: string): void =>
    console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  console.log(`seed ${seed} (give it again by SEED=${seed})`);
  const running = await startPlatform(proofYaml(FEED), { brokers: 3, proxied: true, members: { sink: 2 } });
  platform = running;
  console.log(`logs in ${running.folder}`);
  const { loaded, kafka, database } = running;
  const sent = async (): Promise<number> =>
    (await kafka.bounds(namesOf(loaded.pipeline).latest)).reduce((sum, { end }) => sum + end, 0);
  await expect.poll(sent, { timeout: 120_000 }).toBeGreaterThan(0);
  const faults = FAULTS.filter((fault) => {
    const lacks = fault.lacks(running);
    if (lacks !== null) console.log(`left out: ${fault.name}: needs ${lacks}`);
    return lacks === null;
  });
  const steps = faultSchedule(seed, { faults: faults.map(({ name }) => name), count: faults.length, gapMs: [100, 1_500] });
  await attack(running, { faults, steps, flows: () => hasMore(running), say });
  say('all faults done');
  running.rewrite(proofYaml({ ...FEED, recordsPerSecond: FEED.records }));
  await running.kill('producer');
  await expect.poll(() => settled(running), { timeout: 300_000, interval: 500 }).toBe('all stored');
  say('all stored');
  const servers = { kafka, pool: database };
  await expect.poll(() => unsentOf(servers, loaded.pipeline), { timeout: 120_000, interval: 500 }).toBe(0);
  await expect.poll(() => differences(servers, loaded.pipeline), { timeout: 120_000, interval: 2_000 }).toEqual([]);
  say(`topic and table are equal; ${await sent()} offsets`);
  await expectEachRowOnce(running, FEED);
  await running.stop();
  removeFolder(running);
  platform = undefined;
});

/** Kafka may be away for a moment. */
async function hasMore(running: Platform): Promise<boolean> {
  let ended = false;
  await until('Kafka says how far the producer is', 60_000, async () => {
    ended = await inputEnded(running);
    return true;
  });
  return !ended;
}
