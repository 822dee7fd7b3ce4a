/**
 * A refusal as a raw record again. Pure.
 *
 * Invariants:
 * - Nothing is sent of which only the beginning is kept.
 * - One refusal gives one record that holds one object, or the whole record where it was refused whole: each object keeps its place.
 * - What the database refused is made a row anew from its raw record, under the rules that hold now; only where that record
 *   is gone, or the redrive was of a row already, the row itself is sent.
 */
import type { KafkaRecord, OutRecord } from '@millrace/core/kafka/kafka.ts';
import { SOURCE_HEADER } from '@millrace/core/record/raw.ts';
import { encodeRedrive, REDRIVE_HEADER, type Redrive } from '@millrace/core/record/redrive.ts';
import { keptHeaders, type Refusal, refusedPlace } from '@millrace/core/record/refusal.ts';
import type { Refused } from '../records/refusals.ts';
import { count } from '../text.ts';

export type Remade = { record: OutRecord } | { cannot: string };

/** The object of this index in a raw record as JSON; `whole` where the record holds no other; null where it has none of this index. */
export type PartOf = (record: KafkaRecord, index: number) => Buffer | 'whole' | null;

type Content = Pick<KafkaRecord, 'key' | 'value' | 'headers'>;

/** Whether the bytes of a refusal do not do, so that the raw record has to be looked for. */
export function needsOriginal({ stage, oversize, unreadable, redrive }: Refusal): boolean {
  if (unreadable || redrive?.as === 'row') return false;
  return stage === 'store' || oversize !== undefined;
}

/** @param original the raw record that was refused; null where it is gone, or was not asked for */
export function remake({ refusal, record }: Refused, original: KafkaRecord | null, partOf: PartOf): Remade {
  const { value } = record;
  const { oversize, unreadable, stage, part } = refusal;
  if (unreadable && !oversize) return { cannot: 'the source could not read it: correct it there, and send it anew' };
  if (original !== null) {
    // What was refused whole is sent whole.
    const bytes = part || stage === 'store' ? partOf(original, refusal.origin.index) : 'whole';
    if (bytes === 'whole') return outgoing(refusal, original);
    if (bytes !== null) return outgoing(refusal, { key: original.key, value: inArray(bytes), headers: original.headers });
  }
  if (oversize) {
    const gone = unreadable ? '' : ', and the raw topic no longer holds the record';
    return { cannot: `only the first ${count(value?.length ?? 0)} of ${count(oversize.length)} bytes are kept${gone}` };
  }
  if (stage === 'store' || refusal.redrive?.as === 'row') return outgoing(refusal, record, 'row');
  return outgoing(refusal, { key: record.key, value: part && value !== null ? inArray(value) : value, headers: record.headers });
}

/** Alone in an array an object is refused as an element again, also where it is an array itself. */
function inArray(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from('['), bytes, Buffer.from(']')]);
}

function outgoing(refusal: Refusal, { key, value, headers }: Content, as: Redrive['as'] = 'raw'): Remade {
  const redrive: Redrive = {
    ...refusedPlace(refusal),
    attempt: (refusal.redrive?.attempt ?? 0) + 1,
    rawTimestampMs: refusal.redrive?.rawTimestampMs ?? refusal.rawTimestampMs,
    as,
  };
  const own = { [SOURCE_HEADER]: 'redrive', [REDRIVE_HEADER]: encodeRedrive(redrive) };
  return { record: { key, value, headers: { ...keptHeaders({ headers }), ...own } } };
}
