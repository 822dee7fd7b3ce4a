import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testPipeline } from './testing.ts';
import { lackOf, planTopics, type TopicFact, wantedTopics } from './topics.ts';

const NAMES = ['default.cars.processed', 'default.cars.dlq', 'default.cars.raw'];

function fact(partitions: number, config: Record<string, string> = {}): TopicFact {
  return { state: { id: 'x', partitions }, config };
}

describe('which topics a pipeline needs', () => {
  test('three of its own: processed and dlq first, sizes as the design says', () => {
    const topics = wantedTopics(testPipeline('cars', { topics: { partitions: 3, retention: '2d', replicas: 1 } }), null);
    expect(topics.map(({ name }) => name)).toEqual(NAMES);
    expect(topics.map(({ partitions }) => partitions)).toEqual([3, 3, 3]);
    expect(topics.map(({ replicas }) => replicas)).toEqual([1, 1, 1]);
    expect(topics.map(({ config }) => config['max.message.bytes'])).toEqual(['4259840', '4259840', '1114112']);
    for (const { config } of topics)
      expect(config).toMatchObject({
        'retention.ms': '172800000',
        'message.timestamp.type': 'LogAppendTime',
        'cleanup.policy': 'delete',
      });
  });

  test("a user's own topic is left as it is, and decides how many partitions", () => {
    const pipeline = testPipeline('cars', { source: { topic: { name: 'plant.sensors' } } });
    const topics = wantedTopics(pipeline, { id: 'u', partitions: 11 });
    expect(topics.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['default.cars.processed', 11],
      ['default.cars.dlq', 11],
    ]);
  });

  test("a user's topic that is not there is refused by name", () => {
    const pipeline = testPipeline('cars', { source: { topic: { name: 'plant.sensors' } } });
    expect(() => wantedTopics(pipeline, null)).toThrow('The topic "plant.sensors" of spec.source.topic is not there');
  });
});

describe('what has to be done to topics', () => {
  const wanted = wantedTopics(testPipeline('cars', { topics: { partitions: 4 } }), null);
  const asWanted = (partitions: number) =>
    new Map(wanted.map(({ name, config }) => [name, fact(partitions, { ...config, other: '1' })]));

  test('nothing where all is as wanted', () => {
    expect(planTopics(wanted, asWanted(4))).toEqual([]);
  });

  test('partitions are added to processed and dlq before raw', () => {
    const actions = planTopics(wanted, asWanted(2));
    expect(actions).toEqual(NAMES.map((name) => ({ kind: 'grow', name, from: 2, to: 4 })));
  });

  test('fewer partitions are refused, with the way out', () => {
    const found = asWanted(4);
    found.set('default.cars.raw', fact(6, wanted[2]?.config));
    expect(() => planTopics(wanted, found)).toThrow(
      'The topic default.cars.raw has 6 partitions, 4 are asked for; partitions can be added, never taken away. Set spec.topics.partitions to 6 or more',
    );
  });

  test('a setting that somebody changed is put right, and only that', () => {
    const found = asWanted(4);
    found.set('default.cars.dlq', fact(4, { ...wanted[1]?.config, 'message.timestamp.type': 'CreateTime' }));
    expect(planTopics(wanted, found)).toEqual([
      {
        kind: 'configure',
        name: 'default.cars.dlq',
        config: { 'message.timestamp.type': 'LogAppendTime' },
        was: { 'message.timestamp.type': 'CreateTime' },
      },
    ]);
  });

  test('of topics that somebody else makes it is told what is not as it is wanted', () => {
    const found = asWanted(2);
    found.delete('default.cars.processed');
    found.set('default.cars.dlq', fact(4, { ...wanted[1]?.config, 'retention.ms': '1' }));
    expect(planTopics(wanted, found).map(lackOf)).toEqual([
      'the topic default.cars.processed is not there',
      'of the topic default.cars.dlq retention.ms is 1, 604800000 is wanted',
      'the topic default.cars.raw has 2 partitions, 4 are wanted',
    ]);
  });

  test('after every action, raw has no partition that processed lacks; at the end all is as wanted', () => {
    const count = fc.option(fc.integer({ min: 1, max: 4 }), { nil: null });
    fc.assert(
      fc.property(count, count, count, (processed, dlq, raw) => {
        // Raw never starts with more than processed, except where there is none of it at all.
        fc.pre(raw === null || (processed !== null && processed >= raw));
        const found = new Map<string, TopicFact>();
        for (const [index, partitions] of [processed, dlq, raw].entries())
          if (partitions !== null) found.set(NAMES[index] as string, fact(partitions));
        for (const action of planTopics(wanted, found)) {
          if (action.kind === 'create') found.set(action.topic.name, fact(action.topic.partitions, action.topic.config));
          const before = found.get(action.kind === 'create' ? action.topic.name : action.name);
          if (action.kind === 'grow') found.set(action.name, fact(action.to, { ...before?.config }));
          if (action.kind === 'configure')
            found.set(action.name, fact(before?.state?.partitions ?? 0, { ...before?.config, ...action.config }));
          const at = (index: number) => found.get(NAMES[index] as string)?.state?.partitions ?? 0;
          expect(at(2)).toBeLessThanOrEqual(at(0));
        }
        expect(planTopics(wanted, found)).toEqual([]);
      }),
    );
  });
});
