import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FullFinding, firstOnly, type Made, mergeOrigins, type RawObject } from './merge.ts';

async function* streamOf<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}

const object = (offset: number, kind: RawObject['kind'], topicId = 'raw'): RawObject => ({
  ...{ topicId, offset, index: 0, kind, rawTimestampMs: 1 },
  value: kind === 'row' ? Buffer.from(`row ${offset}`) : null,
});
const made = ({ topicId, offset, index }: RawObject, value = `row ${offset}`): Made => ({
  ...{ topicId, offset, index, value: Buffer.from(value), rawTimestampMs: 1, at: offset, redriven: null },
});

interface Given {
  objects: RawObject[];
  processed: Made[];
  refusals: Made[];
  start?: number;
  processedBegins?: 'whole' | 'removed';
}

async function merge({ objects, processed, refusals, start = 0, processedBegins = 'whole' }: Given) {
  const rows: number[] = [];
  const merged = await mergeOrigins({
    rawId: 'raw',
    raw: { start, end: 1_000 },
    processedBegins,
    dlqBegins: 'whole',
    objects: streamOf(objects),
    processed: firstOnly(streamOf(processed)),
    refusals: firstOnly(streamOf(refusals)),
    row: async ({ offset }) => void rows.push(offset),
  });
  return { ...merged, rows };
}

const short = (finding: FullFinding): [string, number] => [finding.kind, finding.place.offset];

/** What a right pipeline makes of the objects, each repeated as kills repeat it. */
function rightly(objects: RawObject[], repeats: number[]): { processed: Made[]; refusals: Made[] } {
  const again = (all: Made[]): Made[] =>
    all.flatMap((one, at) => (repeats.includes(at) ? [one, ...all.slice(0, at + 1)] : [one]));
  return {
    processed: again(objects.filter(({ kind }) => kind === 'row').map((one) => made(one))),
    refusals: again(objects.filter(({ kind }) => kind === 'refused').map((one) => made(one))),
  };
}

const kinds = fc.array(fc.constantFrom<RawObject['kind']>('row', 'refused', 'dropped'), { minLength: 1, maxLength: 30 });

test('what ended once is no finding, however often it was sent, and each row is expected once', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.array(fc.nat(30), { maxLength: 4 }), async (all, repeats) => {
      const objects = all.map((kind, offset) => object(offset, kind));
      const { findings, rows } = await merge({ objects, ...rightly(objects, repeats) });
      expect(findings).toEqual([]);
      expect(rows).toEqual(objects.filter(({ kind }) => kind === 'row').map(({ offset }) => offset));
    }),
  );
});

test('one end that is taken out is the one that is missing', async () => {
  await fc.assert(
    fc.asyncProperty(kinds, fc.nat(), async (all, at) => {
      const objects = all.map((kind, offset) => object(offset, kind));
      const ended = objects.filter(({ kind }) => kind !== 'dropped');
      fc.pre(ended.length > 0);
      const gone = ended[at % ended.length] as RawObject;
      const { processed, refusals } = rightly(
        objects.filter((one) => one !== gone),
        [],
      );
      const { findings } = await merge({ objects, processed, refusals });
      expect(findings.map(short)).toEqual([['missing', gone.offset]]);
    }),
  );
});

describe('an end that must not be', () => {
  const objects = [0, 1, 2, 3].map((offset) => object(offset, offset === 2 ? 'refused' : 'row'));
  const right = rightly(objects, []);

  test.each<[string, Partial<Given>, [string, number][]]>([
    [
      'of an object that is not there',
      { processed: [...right.processed.slice(0, 2), { ...made(object(1, 'row')), index: 9 }, made(object(3, 'row'))] },
      [['foreign', 1]],
    ],
    ['a second one, as a refusal', { refusals: [made(object(1, 'row')), ...right.refusals] }, [['doubled', 1]]],
    ['with another value', { processed: right.processed.with(1, made(object(1, 'row'), 'other')) }, [['changed', 1]]],
    ['behind the last object', { processed: [...right.processed, made(object(7, 'row'))] }, [['foreign', 7]]],
  ])('%s', async (_what, change, expected) => {
    expect((await merge({ objects, ...right, ...change })).findings.map(short)).toEqual(expected);
  });
});

test('what retention removed at either end is said, and is no finding', async () => {
  const all = [0, 1, 2, 3, 4, 5].map((offset) => object(offset, 'row'));
  const { processed, refusals } = rightly(all, []);
  const rawGone = await merge({ objects: all.slice(3), processed, refusals, start: 3 });
  expect(rawGone).toMatchObject({ findings: [], gone: 3, rows: [0, 1, 2, 3, 4, 5] });
  const processedGone = await merge({ objects: all, processed: processed.slice(4), refusals, processedBegins: 'removed' });
  expect(processedGone).toMatchObject({ findings: [], gone: 0, rows: [0, 1, 2, 3, 4, 5] });
  const otherTopic = made(object(9, 'row', 'older'));
  expect(await merge({ objects: all, processed: [otherTopic, ...processed], refusals })).toMatchObject({ findings: [], gone: 1 });
});

test('a record that was refused as a whole has ended, however many objects the spec makes of it now', async () => {
  const objects = [0, 1, 2].map((index): RawObject => ({ ...object(4, 'row'), index }));
  const [first] = objects;
  if (!first) throw new Error('no object');
  const whole = { ...made(first), whole: true };
  const next = object(5, 'row');
  const given = { objects: [...objects, next], processed: [made(next)] };
  expect((await merge({ ...given, refusals: [whole] })).findings).toEqual([]);
  // One of several that is refused alone says nothing about the others.
  expect((await merge({ ...given, refusals: [{ ...whole, whole: false }] })).findings.map(short)).toEqual([
    ['missing', 4],
    ['missing', 4],
  ]);
});
