/** One object of a raw record, as the dead-letter topic keeps a refused one of several. */
import type { KafkaRecord } from '@millrace/core/kafka/kafka.ts';
import { stringifyJson } from '@millrace/core/record/json.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { RegistryView } from '@millrace/registry/registry.ts';
import { type Decoded, DecodeError } from './decoders/decoder.ts';
import { decoderOf } from './decoders/index.ts';

/** The part as JSON. */
export function partBytes(part: Decoded): Buffer {
  return Buffer.from(stringifyJson('problem' in part ? part.source : (part.alone?.() ?? part.object)));
}

/**
 * Finds the object of an index in a raw record: its bytes as JSON, `whole` where the record holds no other or cannot be read
 * at all, null where it has none of this index.
 */
export function partFinder(
  pipeline: Pipeline,
  registry: RegistryView | null = null,
): (record: KafkaRecord, index: number) => Buffer | 'whole' | null {
  const decoder = decoderOf(pipeline.spec.record, registry);
  return (record, index) => {
    try {
      const parts = decoder.decode(record);
      if (parts.length === 1) return 'whole';
      const part = parts[index];
      return part === undefined ? null : partBytes(part);
    } catch (error) {
      if (error instanceof DecodeError) return 'whole';
      throw error;
    }
  };
}
