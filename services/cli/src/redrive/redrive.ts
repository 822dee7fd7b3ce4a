/**
 * Sends refusals to the raw topic again, or says what would become of them.
 *
 * Invariants:
 * - Only refusals before the ends of the dead-letter topic at the start are looked at, each once: what fails again is refused
 *   behind them and not sent again.
 * - A refusal whose redrive became a row is not sent. Whatever is sent twice all the same, by two at once or after a kill
 *   between a send and its acknowledgement, becomes one row: the sink sees to that.
 * - A record goes to the partition that its refusal came from: there its object was refused, and is stored.
 * - What a reset has made anew is not sent.
 * - Memory is bounded: one batch of refusals, and what `readRefusals` keeps of a partition.
 */
import type { KafkaRecord, OutRecord, Sender } from '@millrace/core/kafka/kafka.ts';
import { refusedPlace } from '@millrace/core/record/refusal.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { partFinder } from '@millrace/processor/part.ts';
import { compileTransform, type Transform } from '@millrace/processor/transform.ts';
import { registryFor } from '@millrace/registry/once.ts';
import { redrivenAmong } from '@millrace/sink/redriven.ts';
import { type Refused, readRefusals } from '../records/refusals.ts';
import type { Servers } from '../status/collect.ts';
import { count } from '../text.ts';
import { RedriveCounts, type Verdict } from './counts.ts';
import { findOriginals, type RawLog } from './originals.ts';
import { needsOriginal, type Remade, remake } from './remake.ts';
import { reprocessedIn } from './reprocessed.ts';

/** Sent as well, it would be a second row. */
const REPROCESSED = 'a reset has read its raw record anew since: it is a row by now, or another reset brings it back';

const BATCH_REFUSALS = 500;
const BATCH_BYTES = 8_388_608;
/** What a refusal counts whose raw record has to be looked for, at least. */
const ORIGINAL_BYTES = 65_536;
/** Room for headers and framing of a raw record. */
const OVERHEAD_BYTES = 1_024;

export interface RedriveOptions {
  /** Which refusals. */
  isSelected(refused: Refused): boolean;
  /** false: nothing is sent. */
  send: boolean;
  signal: AbortSignal;
  /** After each batch. `records`: of the dead-letter topic, an upper bound of what is to be looked at. */
  progress(counts: RedriveCounts, records: number): void;
}

export interface RedriveOutcome {
  counts: RedriveCounts;
  /** Records in the dead-letter topic that are no refusals. */
  foreign: number;
  /** The signal ended it before everything was looked at. */
  interrupted: boolean;
}

/** @throws Error where a topic or Millrace's own tables are not there, or Kafka or the database does not answer */
export async function redrive(
  pipeline: Pipeline,
  { kafka, database }: Servers,
  { isSelected, send, signal, progress }: RedriveOptions,
): Promise<RedriveOutcome> {
  const names = namesOf(pipeline);
  const registry = await registryFor(pipeline, database);
  const transform = compileTransform(pipeline, registry);
  const partOf = partFinder(pipeline, registry);
  const state = await kafka.topic(names.raw);
  if (state === null) throw new Error(`there is no topic ${names.raw}; \`millrace setup\` makes it`);
  const raw: RawLog = { name: names.raw, state, bounds: await kafka.bounds(names.raw) };
  const maxBytes = Number((await kafka.topicConfig(names.raw))['max.message.bytes']);
  if (!(maxBytes > 0)) throw new Error(`the topic ${names.raw} does not say its max.message.bytes`);
  const isReprocessed = await reprocessedIn(database, names.pipeline);
  const { refused, records, foreign } = await readRefusals(kafka, names.dlq, { signal });
  const counts = new RedriveCounts();
  const sender = send ? kafka.sender() : null;
  try {
    for await (const batch of batches(selected(refused, isSelected, counts))) {
      signal.throwIfAborted();
      await take(batch);
      progress(counts, records);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return { counts, foreign: foreign(), interrupted: true };
  } finally {
    await sender?.close();
  }
  return { counts, foreign: foreign(), interrupted: false };

  async function take(batch: readonly Refused[]): Promise<void> {
    const places = batch.map(({ refusal }) => refusedPlace(refusal));
    const stored = await redrivenAmong(database, names.pipeline, places);
    const open = batch.filter(({ id }) => !stored.has(id));
    counts.redriven += batch.length - open.length;
    const wanting = open.filter(({ refusal }) => needsOriginal(refusal));
    const originals = await findOriginals(kafka, raw, wanting, signal);
    const outgoing: { partition: number; record: OutRecord }[] = [];
    for (const one of open) {
      const place = refusedPlace(one.refusal);
      const { partition } = place;
      if (isReprocessed(place)) {
        counts.add(one, { kind: 'cannot', why: REPROCESSED });
        continue;
      }
      const remade = fitting(remake(one, originals.get(one) ?? null, partOf), partition, maxBytes, raw);
      counts.add(one, 'cannot' in remade ? { kind: 'cannot', why: remade.cannot } : verdictOf(transform, remade.record));
      if ('record' in remade) outgoing.push({ partition, record: remade.record });
    }
    if (sender !== null) await sendAll(sender, outgoing);
  }

  async function sendAll(to: Sender, outgoing: readonly { partition: number; record: OutRecord }[]): Promise<void> {
    for (const [partition, ofPartition] of Map.groupBy(outgoing, (one) => one.partition)) {
      signal.throwIfAborted();
      const records = ofPartition.map(({ record }) => record);
      await to.send(raw.name, partition, records, raw.state.id);
      counts.sent += records.length;
    }
  }
}

async function* selected(
  refused: AsyncIterable<Refused>,
  isSelected: (one: Refused) => boolean,
  counts: RedriveCounts,
): AsyncGenerator<Refused> {
  for await (const one of refused) {
    counts.looked++;
    if (!isSelected(one)) continue;
    counts.selected++;
    yield one;
  }
}

async function* batches(refused: AsyncIterable<Refused>): AsyncGenerator<Refused[]> {
  let batch: Refused[] = [];
  let bytes = 0;
  for await (const one of refused) {
    batch.push(one);
    const { refusal, record } = one;
    const kept = (record.value?.length ?? 0) + (record.key?.length ?? 0);
    bytes += needsOriginal(refusal) ? Math.max(ORIGINAL_BYTES, refusal.oversize?.length ?? kept) : kept;
    if (batch.length < BATCH_REFUSALS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function fitting(remade: Remade, partition: number, maxBytes: number, { state: { partitions } }: RawLog): Remade {
  if ('cannot' in remade) return remade;
  if (partition >= partitions) return { cannot: `it is of partition ${partition}; the raw topic has ${partitions}` };
  const bytes = (remade.record.key?.length ?? 0) + (remade.record.value?.length ?? 0) + OVERHEAD_BYTES;
  if (bytes > maxBytes)
    return { cannot: `it takes ${count(bytes)} bytes; the raw topic allows ${count(maxBytes)} (max.message.bytes)` };
  return remade;
}

/** What the processor would make of it under this specification; of a record with several objects the worst. */
function verdictOf(transform: Transform, { key, value, headers }: OutRecord): Verdict {
  const bytes = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
  const record: KafkaRecord = { offset: 0, timestampMs: 0, key, value, headers: bytes };
  const { outcomes } = transform(record);
  const refused = outcomes.find(({ kind }) => kind === 'refused');
  if (refused?.kind === 'refused') {
    const { stage, reason, message } = refused;
    return { kind: 'refused', stage, reason, message };
  }
  if (outcomes.some(({ kind }) => kind === 'row')) return { kind: 'row' };
  const [dropped] = outcomes;
  return { kind: 'dropped', filter: dropped?.kind === 'dropped' ? dropped.filter : '' };
}
