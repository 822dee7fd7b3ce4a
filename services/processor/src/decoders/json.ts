/** `decode: json`: one object is one row, an array of objects is one row each; a bad element is refused alone. */
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { JsonError, parseJson } from '@millrace/core/record/json.ts';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { MAX_OBJECTS } from '@millrace/core/record/raw.ts';
import { isObject, kindOf, shown } from '../fields/shown.ts';
import { type Decoded, DecodeError, type Decoder } from './decoder.ts';

export const json: Decoder = {
  decode(record) {
    const parsed = parseRecord(record);
    if (!Array.isArray(parsed)) {
      if (isObject(parsed)) return [{ object: parsed }];
      throw new DecodeError({
        reason: 'type',
        message: `the record is ${kindOf(parsed)} (${shown(parsed)}); allowed is a JSON object or an array of objects`,
      });
    }
    if (parsed.length === 0) {
      throw new DecodeError({ reason: 'empty', message: 'the record is an empty array; allowed is at least one object' });
    }
    if (parsed.length > MAX_OBJECTS) {
      const message = `the record is an array of ${parsed.length} elements; allowed are at most ${MAX_OBJECTS}`;
      throw new DecodeError({ reason: 'size', message });
    }
    return parsed.map(element);
  },
};

/** The value of a raw record as JSON, within the limits of a record. @throws DecodeError */
export function parseRecord({ value }: Pick<KafkaRecord, 'value'>): unknown {
  if (value === null) throw new DecodeError({ reason: 'empty', message: 'the record has no value; allowed is JSON' });
  try {
    return parseJson(value, RECORD_LIMITS);
  } catch (error) {
    if (error instanceof JsonError) throw new DecodeError({ reason: 'parse', message: error.message });
    throw error;
  }
}

function element(source: unknown, index: number): Decoded {
  if (isObject(source)) return { object: source };
  const message = `element ${index} of the array is ${kindOf(source)} (${shown(source)}); allowed is an object`;
  return { problem: { reason: 'type', message }, source };
}
