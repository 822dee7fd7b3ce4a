/**
 * Load and store for the partitions of one Pipeline: what `kafka.read` calls.
 *
 * Invariants:
 * - What is known of a partition in memory is exactly what the last load or commit of this process left in the database;
 *   it is dropped before a load and replaced only after a commit. The database decides, by version and writer.
 * - A batch of another processed topic than the one that was loaded is not stored: it is loaded again, so that the reader
 *   decides where the new topic starts.
 */
import { randomUUID } from 'node:crypto';
import { guarded } from '@millrace/core/guards.ts';
import { type Batch, type Notice, type Position, Reload, type TopicState } from '@millrace/core/kafka/kafka.ts';
import type { Logger } from '@millrace/core/log.ts';
import type { Rollup } from '@millrace/core/table/rollup.ts';
import type { Pool } from 'pg';
import { CopyLines } from './copyLines.ts';
import { type Incoming, type RefusedRow, readIncoming, refusalOrigin, type TableRow, tableRow } from './incoming.ts';
import { type Isolated, RefusedWhole, WHOLE_FROM_ROWS } from './isolate.ts';
import { count, countMerged, type Hours, ledgerSql } from './ledger.ts';
import type { SinkMetrics } from './metrics.ts';
import { mustOwn } from './owner.ts';
import { type Pause, pauseReason } from './pauses.ts';
import { dropRepeats, positionAfter, readerPosition, type StoredPosition } from './position.ts';
import { advanceSql, readPosition } from './positionStore.ts';
import { notStored, redrivenSql } from './redriven.ts';
import { withClient } from './session.ts';
import { touchedSql } from './touched.ts';
import { store } from './transaction.ts';
import type { Writer } from './writers/writer.ts';

export interface PartitionsOptions {
  pipeline: string;
  /** Rows go there: `schema.name`. */
  table: string;
  pool: Pool;
  writer: Writer;
  rollups: readonly Pick<Rollup, 'name' | 'everyMs'>[];
  /** Appends to the dead-letter topic; resolves when acknowledged. */
  refuse(batch: Batch, refused: readonly RefusedRow[]): Promise<void>;
  metrics: SinkMetrics;
  log: Logger;
}

export interface Partitions {
  load(partition: number, topic: TopicState, signal: AbortSignal): Promise<Position>;
  handle(batch: Batch): Promise<void>;
  notice(notice: Notice): void;
  pauses(): ReadonlyMap<number, Pause>;
}

interface Loaded {
  topicId: string;
  position: StoredPosition;
}

export function partitions(options: PartitionsOptions): Partitions {
  const { pipeline, pool, metrics, log } = options;
  const loaded = new Map<number, Loaded>();
  const pauses = new Map<number, Pause>();
  /** Offsets found lost in front of a partition's position, [from, to): stored in the ledger with the next batch. */
  const lost = new Map<number, { from: number; to: number }>();
  /** Refusals acknowledged since the last commit of a partition: a batch that is tried again for hours sends them once. */
  const acknowledged = new Map<number, Set<string>>();
  let newestMs = Number.NEGATIVE_INFINITY;

  function failed(partition: number, at: Pause['at'], error: unknown): void {
    const reason = pauseReason(error);
    const message = error instanceof Error ? error.message : String(error);
    if (pauses.get(partition)?.message !== message)
      log.error({ err: error, partition, reason }, `partition paused: cannot ${at}`);
    pauses.set(partition, { at, reason, message, version: loaded.get(partition)?.position.version ?? null });
  }

  /** Loading ends the pause of a load, and that of a batch which somebody else has stored since. */
  function succeeded(partition: number, at: Pause['at'], version: number): void {
    const pause = pauses.get(partition);
    if (pause === undefined || (at === 'load' && pause.at === 'store' && pause.version === version)) return;
    pauses.delete(partition);
    log.info({ partition }, 'partition goes on');
  }

  async function load(partition: number, topic: TopicState, signal: AbortSignal): Promise<Position> {
    loaded.delete(partition);
    try {
      const position = await withClient(pool, signal, async (client) => {
        const read = await readPosition(client, pipeline, partition);
        await mustOwn(client, pipeline, options.table); // after it: a handover in between is seen here or by the commit
        return read;
      });
      loaded.set(partition, { topicId: topic.id, position });
      const standing = readerPosition(position);
      if (lost.get(partition)?.from !== standing.next) lost.delete(partition); // another sink went on behind it
      succeeded(partition, 'load', position.version);
      return standing;
    } catch (error) {
      if (!signal.aborted) failed(partition, 'load', error);
      throw error;
    }
  }

  async function handle(batch: Batch): Promise<void> {
    const { partition, signal } = batch;
    const known = loaded.get(partition);
    if (known === undefined) throw new Reload(`partition ${partition} was not loaded`);
    if (guarded('loaded-topic-id') && known.topicId !== batch.topicId)
      throw new Reload(`${batch.topic} now has the topic id ${batch.topicId}`);
    let after: StoredPosition;
    try {
      after = await storeBatch(batch, known.position);
    } catch (error) {
      const result = error instanceof Reload ? 'moved' : signal.aborted ? 'aborted' : 'failed';
      metrics.transactions.inc({ pipeline, result });
      if (result === 'failed') failed(partition, 'store', error);
      if (result === 'moved') log.warn({ partition, err: error }, 'someone else moved the position: loading it again');
      throw error;
    }
    if (loaded.get(partition) === known) loaded.set(partition, { ...known, position: after });
    succeeded(partition, 'store', after.version);
    await showLag(batch);
  }

  async function storeBatch(batch: Batch, seen: StoredPosition): Promise<StoredPosition> {
    const { partition, signal } = batch;
    const { fresh, repeats, origins } = dropRepeats(seen.origins, batch.records.map(readIncoming), seen.version + 1);
    const { rows: decoded, foreign } = decode(fresh);
    const { rows, twice } = await notStored(pool, signal, pipeline, decoded);
    const after = positionAfter(seen, batch, origins, randomUUID());
    const gone = lost.get(partition);
    const stop = metrics.transactionSeconds.startTimer({ pipeline });
    const outcome = await store({
      pool,
      signal,
      pipeline,
      partition,
      writer: options.writer,
      rows,
      after,
      refuse: (refused) => refuse(batch, refused),
      foreign,
      closing: (outcome) => {
        const { written } = outcome;
        const hours = tally(outcome, repeats, batch);
        const [first] = batch.records.slice(0, 1).map(readIncoming);
        for (const { incoming } of twice) count(hours, refusalOrigin(incoming, batch).topicId, incoming.rawTimestampMs, 'merged');
        if (gone !== undefined && first !== undefined)
          count(hours, refusalOrigin(first, batch).topicId, first.rawTimestampMs, 'lost', gone.to - gone.from);
        const statements = [
          options.writer.closingSql(written),
          touchedSql(
            pipeline,
            options.rollups,
            written.map(({ timeMs }) => timeMs),
          ),
          redrivenSql(pipeline, written),
          ledgerSql(pipeline, partition, hours),
          advanceSql(pipeline, partition, seen, after),
        ];
        return statements.filter((statement) => statement !== null);
      },
    });
    stop();
    acknowledged.delete(partition);
    if (lost.get(partition) === gone) lost.delete(partition);
    show(outcome, repeats.length, twice.length);
    return after;
  }

  async function refuse(batch: Batch, refused: readonly RefusedRow[]): Promise<void> {
    const sent = acknowledged.get(batch.partition) ?? new Set();
    const idOf = ({ incoming }: RefusedRow): string => `${batch.topicId}:${incoming.record.offset}`;
    const unsent = refused.filter((row) => !sent.has(idOf(row)));
    if (unsent.length === 0) return;
    await options.refuse(batch, unsent);
    for (const row of unsent) sent.add(idOf(row));
    acknowledged.set(batch.partition, sent);
  }

  function decode(fresh: readonly Incoming[]): { rows: TableRow[]; foreign: RefusedRow[] } {
    const rows: TableRow[] = [];
    const foreign: RefusedRow[] = [];
    const lines = new CopyLines();
    for (const incoming of fresh) {
      const result = tableRow(incoming, options.writer.writeLine, lines);
      if ('lines' in result) rows.push(result);
      else foreign.push(result);
    }
    // A processor wrote these, for a table of other columns: one of the two runs an older spec.
    const misfits = foreign.filter(({ incoming }) => incoming.foreign === null);
    if (rows.length === 0 && misfits.length >= WHOLE_FROM_ROWS)
      throw new RefusedWhole(
        `none of ${misfits.length} rows fits this spec, so nothing is refused; the first: ${misfits[0]?.message}`,
      );
    return { rows, foreign };
  }

  function show({ written, merged, refused }: Isolated, repeats: number, twice: number): void {
    const mergedRows = [...merged.values()].reduce((sum, rows) => sum + rows, 0);
    const add = (result: string, rows: number): void => metrics.rows.inc({ pipeline, result }, rows);
    add('stored', written.length - mergedRows);
    add('merged', mergedRows + twice);
    add('refused', refused.length);
    add('repeat', repeats);
    metrics.transactions.inc({ pipeline, result: 'committed' });
    for (const { timeMs } of written) newestMs = Math.max(newestMs, timeMs);
    if (newestMs > Number.NEGATIVE_INFINITY) metrics.newestRow.set({ pipeline }, newestMs / 1000);
  }

  /** The rows are stored; the offset in Kafka is only what lag displays show. */
  async function showLag({ partition, next, commit, signal }: Batch): Promise<void> {
    try {
      await commit(next, '');
    } catch (error) {
      if (signal.aborted) return;
      metrics.lagCommitFailures.inc({ pipeline });
      log.warn({ partition, next, err: error }, 'the offset for lag displays could not be committed; the rows are stored');
    }
  }

  function notice(notice: Notice): void {
    const { partition, kind } = notice;
    if (!notice.again) {
      metrics.notices.inc({ pipeline, kind });
      log.warn(notice, NOTICES[kind]);
    }
    if (notice.kind !== 'lost') return;
    // The same gap is found again after each load, maybe a longer one, until a batch behind it is stored.
    const { from, to } = lost.get(partition) ?? { from: notice.next, to: notice.next };
    const found = { from: Math.min(from, notice.next), to: Math.max(to, notice.start) };
    metrics.lost.inc({ pipeline }, found.to - found.from - (to - from));
    lost.set(partition, found);
  }

  return { load, handle, notice, pauses: () => pauses };
}

const NOTICES: Record<Notice['kind'], string> = {
  recreated: 'the processed topic was recreated: reading it from its beginning, what is stored already is dropped',
  truncated: 'the processed log is not the one that was read: reading it from its beginning, what is stored already is dropped',
  lost: 'records were removed from the processed topic before they were stored: raise its retention, or see why the sink was behind',
};

/** What became of a batch, by raw topic id and hour; of a foreign record by the processed topic's id, as in its refusal. */
export function tally(
  { written, merged, refused }: Isolated,
  repeats: readonly Incoming[],
  batch: Pick<Batch, 'topicId'>,
): Hours {
  const hours: Hours = new Map();
  const add = (what: 'stored' | 'refused' | 'repeats', incoming: Incoming): void =>
    count(hours, refusalOrigin(incoming, batch).topicId, incoming.rawTimestampMs, what);
  for (const { incoming } of written) add('stored', incoming);
  countMerged(hours, merged);
  for (const { incoming } of refused) add('refused', incoming);
  for (const incoming of repeats) add('repeats', incoming);
  return hours;
}
