/** Files of any bytes, and such that were right before somebody cut, doubled, joined or damaged them. */
import fc from 'fast-check';

export const FORMATS = ['csv', 'json', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/** Printed, so that a failure can be had again: SEED=… */
export const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('', 'a', '"', ',', '\n', '\r\n', '\\', '\0', '\ufeff', '\ud83d', '__proto__', '\\u0000', '\\N', 'ü', '😀'),
);
const time = fc.oneof(
  { arbitrary: fc.constantFrom('2024-01-01T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z'), weight: 6 },
  { arbitrary: fc.oneof(text, fc.constantFrom('0000-01-01T00:00:00Z', 'infinity', '2024-02-30')), weight: 1 },
);
const value = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(null, true, [], {}, '1,5', 'NaN', '1e400', '-0', '9'.repeat(400)),
  text,
);
const record = fc.record({ at: time, id: text, value, more: fc.jsonValue() }, { requiredKeys: ['at'] });

function written(format: Format, records: readonly Record<string, unknown>[]): Buffer {
  if (format === 'json') return Buffer.from(JSON.stringify(records, null, records.length % 2));
  if (format === 'ndjson') return Buffer.from(records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const field = (one: unknown): string => `"${String(one ?? '').replaceAll('"', '""')}"`;
  return Buffer.from(`at,id,value\n${records.map(({ at, id, value }) => [at, id, value].map(field).join(',')).join('\n')}`);
}

type Damage = (bytes: Buffer) => Buffer;

/** At a place given as a share of the length. */
const damage: fc.Arbitrary<Damage> = fc
  .tuple(
    fc.constantFrom('cut', 'drop', 'double', 'insert'),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat(40),
    fc.oneof(
      fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom('"', '\n', '\r', '[', ']', '{', '}', ',', '\\', '\0', '\ufeff', 'at,id,value\n')
        .map((some) => Buffer.from(some)),
    ),
  )
  .map(([kind, share, length, some]) => (bytes) => {
    const at = Math.floor(share * bytes.length);
    const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
    if (kind === 'cut') return before;
    if (kind === 'drop') return Buffer.concat([before, behind.subarray(length)]);
    if (kind === 'double') return Buffer.concat([before, behind.subarray(0, length), behind]);
    return Buffer.concat([before, some, behind]);
  });

/** A file of a format: anything, or a right one with some damage, or two such behind one another. */
export function fileOf(format: Format): fc.Arbitrary<Buffer> {
  const right = fc.array(record, { maxLength: 12 }).map((records) => written(format, records));
  const damaged = fc
    .tuple(right, fc.array(damage, { maxLength: 3 }))
    .map(([bytes, damages]) => damages.reduce((left, apply) => apply(left), bytes));
  const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const joined = fc.tuple(damaged, damaged).map((both) => Buffer.concat(both));
  return fc.oneof({ arbitrary: damaged, weight: 6 }, { arbitrary: anything, weight: 1 }, { arbitrary: joined, weight: 2 });
}

/** The value of a raw record of another writer: anything. */
export const rawValue: fc.Arbitrary<Buffer | null> = fc.oneof(
  fc.constant(null),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((some) => Buffer.from(some)),
  record.map((one) => Buffer.from(JSON.stringify(one))),
  fc.array(fc.oneof(record, fc.jsonValue()), { maxLength: 5 }).map((some) => Buffer.from(JSON.stringify(some))),
);
