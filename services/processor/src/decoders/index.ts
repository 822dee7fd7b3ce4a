/** The table of decoders, by the word in `record.decode`. */
import type { RecordRules } from '@millrace/core/spec/record.ts';
import type { RegistryView } from '@millrace/registry/registry.ts';
import type { Decoder } from './decoder.ts';
import { each } from './each.ts';
import { frame } from './frame.ts';
import { json } from './json.ts';
import { sensorLogger } from './sensorLogger.ts';
import { text } from './text.ts';

/** @param registry null: none is at hand */
type MakeDecoder = (registry: RegistryView | null) => Decoder;

const DECODERS: Record<NonNullable<RecordRules['decode']>, MakeDecoder> = {
  json: () => json,
  'sensor-logger': () => sensorLogger,
  text: () => text,
  frame: (registry) => frame(registry ?? noRegistry()),
};

/** The decoder of a Pipeline. @throws Error where it needs a registry and there is none */
export function decoderOf(
  { decode = 'json', each: path }: Pick<RecordRules, 'decode' | 'each'>,
  registry: RegistryView | null,
): Decoder {
  const decoder = DECODERS[decode](registry);
  return path === undefined ? decoder : each(path, decoder);
}

function noRegistry(): never {
  throw new Error(
    'spec.record.decode is frame, which needs the device registry, and this command has no database to read it from',
  );
}
