/** Cuts a send into batches that the broker takes: neither it nor the client library splits one that is too large (FACTS trap 8). */
import type { OutRecord } from './kafka.ts';
import { BATCH_OVERHEAD, recordBytes } from './recordBatch.ts';

/** Where the topic allows more, a batch still ends here: answers stay quick, and readers, which get whole batches only, hold little. */
const BATCH_BYTES = 262_144;

/**
 * The records in order, cut into parts of at most `maxBytes` as a batch; a part is larger than 256 KiB only with one record.
 * @param maxBytes the topic's max.message.bytes, which is about a batch with its overhead
 * @throws RangeError naming the record that fits into no batch; nothing was sent then
 */
export function cutIntoBatches(records: readonly OutRecord[], maxBytes: number): OutRecord[][] {
  const limit = Math.min(maxBytes, BATCH_BYTES);
  const parts: OutRecord[][] = [];
  let part: OutRecord[] = [];
  let bytes = BATCH_OVERHEAD;
  for (const [index, record] of records.entries()) {
    const size = recordBytes(record);
    if (BATCH_OVERHEAD + size > maxBytes)
      throw new RangeError(
        `record ${index} of ${records.length} takes ${BATCH_OVERHEAD + size} bytes; the topic allows ${maxBytes} (max.message.bytes)`,
      );
    if (part.length > 0 && bytes + size > limit) {
      parts.push(part);
      part = [];
      bytes = BATCH_OVERHEAD;
    }
    part.push(record);
    bytes += size;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
