/** Refused rows become records of the dead-letter topic, in the partition they came from (DESIGN 1.1). */
import type { Batch, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { refusalRecord } from '@millrace/core/record/refusal.ts';
import { type RefusedRow, refusalOrigin } from './incoming.ts';

/** The dead-letter topic did not take a refusal: the batch cannot be committed. */
export class DlqError extends Error {
  override name = 'DlqError';
}

/** Room that a record's key and the refusal's headers take beside the value. */
const HEADROOM_BYTES = 16_384;

/** The dead-letter records of refused rows. @param maxBytes largest record of the dead-letter topic */
export function refusalRecords(
  maxBytes: number,
  batch: Pick<Batch, 'topic' | 'topicId' | 'partition'>,
  refused: readonly RefusedRow[],
): OutRecord[] {
  const { topic, partition } = batch;
  return refused.map(({ incoming, reason, message }) => {
    const origin = refusalOrigin(incoming, batch);
    const { rawTimestampMs, record, redrive } = incoming;
    const place = { topic, partition, origin, rawTimestampMs, ...(redrive && { redrive }) };
    const refusal = { stage: 'store' as const, reason, message, ...place };
    return refusalRecord(refusal, record, maxBytes - HEADROOM_BYTES);
  });
}

/**
 * Appends refusals; resolves when they are acknowledged. A kill between this and the COMMIT repeats them; readers tell
 * by their identity.
 * @param maxBytes largest record of the dead-letter topic
 * @throws DlqError naming topic and partition
 */
export async function sendRefusals(
  sender: Sender,
  dlq: { topic: string; maxBytes: number },
  batch: Pick<Batch, 'topic' | 'topicId' | 'partition'>,
  refused: readonly RefusedRow[],
): Promise<void> {
  const { partition } = batch;
  const records = refusalRecords(dlq.maxBytes, batch, refused);
  try {
    await sender.send(dlq.topic, partition, records);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new DlqError(`${dlq.topic} partition ${partition} did not take ${records.length} refusals: ${said}`, { cause: error });
  }
}
