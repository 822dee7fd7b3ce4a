import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import { expect, test } from 'vitest';
import type { Admission } from '../intake/admission.ts';
import type { Told } from '../intake/held.ts';
import type { KeyedRecord } from '../send/key.ts';
import { checkAdmission, store } from './answers.ts';

const RECORDS = [
  { key: Buffer.from('a'), value: Buffer.from('1') },
  { key: Buffer.from('b'), value: Buffer.from('2') },
];

/** An intake that does with what it takes what the test says. */
function intakeThat(does: (told: Told) => void, admission: Admission = { kind: 'open' }) {
  const taken: KeyedRecord[] = [];
  const take = (records: readonly KeyedRecord[], told: Told): void => {
    taken.push(...records);
    does(told);
  };
  return { admission, take, taken };
}

async function refusal(promise: Promise<void>): Promise<[number, string, number | undefined]> {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  if (!(error instanceof HttpRefusal)) throw new Error(`not refused: ${String(error)}`);
  return [error.code, error.message, error.retryAfterSeconds];
}

test('a request is stored once Kafka acknowledged it, whatever is told later', async () => {
  const intake = intakeThat(({ acknowledged, rejected }) => {
    acknowledged();
    rejected?.('late');
  });
  await store(RECORDS, intake);
  expect(intake.taken).toMatchObject(RECORDS.map((record) => ({ ...record, headers: { source: 'http' } })));
});

test('what Kafka did not acknowledge is the client to send again, and it hears why', async () => {
  const rejecting = intakeThat(({ rejected }) => rejected?.('leader gone'));
  expect(await refusal(store(RECORDS, rejecting))).toEqual([503, 'not stored: leader gone; send it again', 5]);
  const silent = intakeThat(() => undefined);
  expect(await refusal(store(RECORDS, silent, 1))).toEqual([
    503,
    'not stored: Kafka did not acknowledge in time; send it again',
    5,
  ]);
});

test.each<[Admission, [number, string, number]]>([
  [{ kind: 'full' }, [429, 'Kafka takes less than is being sent; send it again', 1]],
  [{ kind: 'away', why: 'no topic' }, [503, 'not stored: no topic; send it again', 5]],
])('while no more is taken nothing is: %j', async (admission, expected) => {
  const intake = intakeThat(() => undefined, admission);
  expect(await refusal(store(RECORDS, intake))).toEqual(expected);
  expect(intake.taken).toEqual([]);
  expect(() => checkAdmission(intake)).toThrow(expected[1]);
});
