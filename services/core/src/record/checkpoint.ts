/**
 * How far a replay or simulator has come: committed after the acks, in the metadata of partition 0 of the group
 * `<raw topic>.replay`, with the ordinal as offset (DESIGN 1.2 rule 6).
 *
 * Invariants:
 * - Every record with an ordinal below `ordinal` is in the raw topic. Records from there on may be, and are compared with
 *   the `replay-position` at the end of each raw partition.
 * - Those records were sent to the partition that their key has among `partitions`.
 */
import { z } from 'zod';

const checkpoint = z.strictObject({
  v: z.literal(1),
  /** Token of this run; another input, settings or a recreated topic start a new run. */
  run: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
  /** `<settings>.<input>`: hashes of the source's settings and of the files; `?` for an input that does not tell its version. */
  fingerprint: z.string().max(128),
  /** Topic id of the raw topic: a recreated topic starts a new run. */
  topicId: z.string(),
  partitions: z.int().min(1),
  /** Next record of the run, counted from 0 over all loops. */
  ordinal: z.int().min(0),
  /** Which time through the input, from 0. */
  loop: z.int().min(0),
  /** Which file of a glob, in order, and the byte in it (decompressed) where the next record starts. */
  file: z.int().min(0),
  byte: z.int().min(0),
  /** CRC-32 of all (decompressed) bytes of this loop before that place: tells a file that grew from another one. */
  crc: z.int().min(0).optional(),
  /** When the run began, epoch ms: what `clock: shift` and a simulator without `start` count from. */
  clockBaseMs: z.number(),
  /** `clock: shift` only: added to every time, and how much more with each loop. */
  shift: z.strictObject({ ms: z.int(), loopMs: z.int() }).optional(),
  /** The input ended: nothing more to send. */
  completed: z.boolean(),
});

export type Checkpoint = z.infer<typeof checkpoint>;

export function encodeCheckpoint(value: Checkpoint): string {
  return JSON.stringify(value);
}

/** Reads commit metadata back; null where it is no checkpoint. */
export function decodeCheckpoint(metadata: string): Checkpoint | null {
  try {
    const result = checkpoint.safeParse(JSON.parse(metadata));
    return result.success ? result.data : null;
  } catch {
    return null; // not JSON: not ours, which the caller reports
  }
}
