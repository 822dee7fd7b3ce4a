/** The table of decoders, by the word in `record.decode`. */
import type { RecordRules } from '@millrace/core/spec/record.ts';
import type { Decoder } from './decoder.ts';
import { json } from './json.ts';
import { sensorLogger } from './sensorLogger.ts';

const DECODERS: Partial<Record<NonNullable<RecordRules['decode']>, Decoder>> = {
  json,
  'sensor-logger': sensorLogger,
};

/** The decoder of a Pipeline. @throws Error naming the words that are allowed */
export function decoderOf({ decode = 'json' }: Pick<RecordRules, 'decode'>): Decoder {
  const decoder = DECODERS[decode];
  if (!decoder)
    throw new Error(`spec.record.decode is ${JSON.stringify(decode)}; allowed is ${Object.keys(DECODERS).join(', ')}`);
  return decoder;
}
