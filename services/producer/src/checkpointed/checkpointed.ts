/**
 * Sends an input once (DESIGN 1.2 rule 6): a worker that reads records in order, sends each to its partition, commits how far
 * all is acknowledged, and after any stop, kill or rejected send goes on with exactly the records that are not in the topic.
 *
 * Invariants:
 * - A run's first checkpoint is committed before its first record is sent: no crash can lose the run's token.
 * - So is one with another number of partitions, before a record is spread over them.
 * - Every pass compares the records after the checkpoint with the ends of the raw partitions, before anything is sent.
 *   There is no other way on after a failure: what was in memory counts for nothing then.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { guarded } from '@millrace/core/guards.ts';
import type { Sender, TopicState } from '@millrace/core/kafka/kafka.ts';
import type { RoleContext, Worker, WorkerHealth } from '@millrace/core/role/role.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { metricsOf } from '../metrics.ts';
import { InputError } from '../replay/piece.ts';
import { Checkpoints } from './checkpoints.ts';
import { chooseRun } from './chooseRun.ts';
import type { Input } from './input.ts';
import { Pass } from './pass.ts';
import { spread } from './run.ts';
import { lastOrdinals } from './tail.ts';

const CHECKPOINT_MS = 1_000;
/** Once completed. */
const WATCH_MS = 10_000;
const FIRST_BACK_OFF_MS = 200;
const LONGEST_BACK_OFF_MS = 5_000;
/** For sends under way when a pass ends. */
const CLOSE_MS = 10_000;

export interface CheckpointedOptions {
  pipeline: Pipeline;
  context: Pick<RoleContext, 'kafka' | 'log' | 'metrics'>;
  kind: Input['kind'];
  /** Looks at the input afresh; its records end when the signal is aborted. @throws InputError */
  open(signal: AbortSignal): Promise<Input>;
  /** Stop after this many records; 0: all. */
  limit: number;
}

/** The topic is not what it was when the pass began: choose again. */
class TopicChanged extends Error {
  override name = 'TopicChanged';
}

export function startCheckpointed({ pipeline, context, kind, open, limit }: CheckpointedOptions): Worker {
  const { kafka, log } = context;
  const names = namesOf(pipeline);
  const labels = { pipeline: names.pipeline, source: kind };
  const metrics = metricsOf(context.metrics);
  const checkpoints = new Checkpoints(kafka, names.replayGroup, names.raw);
  const stopping = new AbortController();
  const failure = Promise.withResolvers<Error>();
  let health: () => WorkerHealth = () => ({ ready: false, phase: 'starting', state: 'starting' });

  async function rawTopic(): Promise<TopicState> {
    const topic = await kafka.topic(names.raw);
    if (!topic) throw new Error(`there is no topic ${names.raw}; setup makes it`);
    return topic;
  }

  /** One pass. Resolves when another one is due; never while the input has ended and nothing changes. */
  async function once(sender: Sender): Promise<void> {
    const ending = new AbortController();
    const signal = AbortSignal.any([stopping.signal, ending.signal]);
    const topic = await rawTopic();
    const input = await open(signal);
    const start = await chooseRun(kafka, names, input, topic, log);
    const ordinals = await lastOrdinals(kafka, names.raw, start.run, signal);
    const last = guarded('replay-tail') ? ordinals : ordinals.map(() => -1);
    const spreading = spread(start, topic.partitions, last);
    if (start.partitions !== topic.partitions)
      log.warn(
        { from: start.partitions, to: topic.partitions },
        'partitions were added: devices are spread anew over all of them',
      );
    const pass = new Pass({
      input,
      start,
      ...spreading,
      last,
      limit,
      raw: names.raw,
      sender,
      metrics,
      labels,
    });
    let completed = false;
    // A record that was spread over another number of partitions than the checkpoint says would be looked for in the wrong one.
    if (spreading.partitions !== start.partitions) await checkpoints.save(() => pass.checkpoint());
    const watching = watch();
    try {
      health = () => ({ ready: true, phase: 'running', state: `sending: ${pass.ordinal} records` });
      completed = await pass.run(signal);
      if (!completed) return;
      await checkpoints.save(() => pass.checkpoint());
      metrics.completed.set(labels, 1);
      if (pass.ordinal === 0) log.warn('the input holds no record');
      else log.info({ records: pass.ordinal }, 'completed');
      health = () => ({ ready: true, phase: 'completed', state: `completed: ${pass.ordinal} records` });
      await aborted(signal);
    } finally {
      ending.abort();
      await watching;
      await pass.close(CLOSE_MS);
      metrics.completed.set(labels, 0);
      metrics.unacknowledged.set(labels, 0);
      // Best effort: the next pass finds out by itself what is in the topic.
      await checkpoints
        .save(() => pass.checkpoint())
        .catch((error: Error) => log.warn({ err: error }, 'the last checkpoint was not committed'));
    }

    /** Commits checkpoints and looks whether the topic is still the same, until the pass ends. Never rejects. */
    async function watch(): Promise<void> {
      for (;;) {
        await sleep(completed ? WATCH_MS : CHECKPOINT_MS, undefined, { signal }).catch(() => undefined); // an abort, seen below
        if (signal.aborted) return;
        metrics.unacknowledged.set(labels, pass.unacknowledgedBytes);
        try {
          const now = await kafka.topic(names.raw);
          if (now?.id !== topic.id || now.partitions !== topic.partitions) {
            ending.abort(new TopicChanged(`the topic ${names.raw} is not what it was`));
            return;
          }
          await checkpoints.save(() => pass.checkpoint());
        } catch (error) {
          log.warn({ err: error }, 'the checkpoint was not committed; it is tried again');
        }
      }
    }
  }

  async function run(): Promise<void> {
    const sender = kafka.sender();
    try {
      for (let failures = 0; !stopping.signal.aborted; ) {
        const startedAt = performance.now();
        try {
          await once(sender);
          failures = 0;
        } catch (error) {
          if (stopping.signal.aborted) return;
          if (error instanceof TopicChanged) {
            log.info(error.message);
            continue;
          }
          if (error instanceof InputError) throw error;
          failures = performance.now() - startedAt > LONGEST_BACK_OFF_MS ? 1 : failures + 1;
          const { message } = error as Error;
          health = () => ({ ready: false, phase: 'paused', state: `waiting for Kafka: ${message}` });
          log.warn({ err: error, failures }, 'sending stopped; going back to the checkpoint');
          const delayMs = Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures - 1, 10));
          await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the loop
        }
      }
    } catch (error) {
      const { message } = error as Error;
      health = () => ({ ready: false, phase: 'failed', state: `failed: ${message}` });
      failure.resolve(error as Error);
    } finally {
      await sender.close();
    }
  }

  const ended = run();
  return {
    health: () => health(),
    failed: failure.promise,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

/** Rejects with the signal's reason once it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
