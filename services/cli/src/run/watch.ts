/** Looks at all Pipelines again and again while they run, shows them, and says when `--once` is over. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { collect, type Servers } from '../status/collect.ts';
import type { Sample } from '../status/sample.ts';
import { totalsOf, unfinished } from '../status/totals.ts';
import type { Clients } from './clients.ts';
import { judge, movement, type Verdict } from './finish.ts';
import { rateMeter } from './rate.ts';
import type { RunningRole } from './roles.ts';
import type { Screen } from './screen.ts';
import type { ViewRow } from './view.ts';

const LOOK_EVERY_MS = 1_000;

export interface WatchOptions {
  pipelines: readonly LoadedPipeline[];
  servers: Servers;
  roles: readonly Pick<RunningRole, 'name' | 'health'>[];
  /** Of sources of HTTP and MQTT: once they have sent all, there is no more to come. */
  clients: Pick<Clients, 'unsent' | 'failure'>;
  screen: Screen;
  /** After how long without any movement something must be broken; null: never, it runs until it is stopped. */
  patienceMs: number | null;
  signal: AbortSignal;
}

export interface Outcome {
  /** The last look at each Pipeline, in the given order; null: none worked. */
  samples: (Sample | null)[];
  /** `pipeline: why`, where nothing moved any more. */
  stalled: string[];
}

/** @returns when all are done or any is stalled (with patience), or when the signal is aborted */
export async function watch({ pipelines, servers, roles, clients, screen, patienceMs, signal }: WatchOptions): Promise<Outcome> {
  const watched = pipelines.map(({ pipeline }) => ({
    pipeline,
    name: namesOf(pipeline).pipeline,
    rate: rateMeter(),
    sample: null as Sample | null,
    row: null as ViewRow | null,
    moved: '',
    movedAtMs: performance.now(),
    verdict: null as Verdict | null,
  }));
  let trouble = '';
  for (;;) {
    for (const one of watched) {
      if (signal.aborted) break;
      const health: ViewRow['health'] = {};
      // Asked before the sample: what is stored by then was sent before the producer said that it is done.
      for (const role of roles) health[role.name] = await role.health(one.name);
      const { http, mqtt } = one.pipeline.spec.source;
      const unsent = http || mqtt ? clients.unsent() : undefined;
      const now = performance.now();
      try {
        one.sample = await collect(one.pipeline, servers);
        trouble = '';
      } catch (error) {
        const message = (error as Error).message;
        if (message !== trouble) screen.say(`cannot look at ${one.name}: ${message}`);
        trouble = message;
        if (patienceMs !== null && now - one.movedAtMs >= patienceMs) one.verdict = { kind: 'stalled', why: message };
        continue;
      }
      const look = {
        sample: one.sample,
        producer: health.producer ?? null,
        ...(unsent === undefined ? {} : { unsent }),
        viaBroker: mqtt !== undefined,
      };
      const seen = movement(look);
      if (seen !== one.moved) Object.assign(one, { moved: seen, movedAtMs: now });
      const totals = totalsOf(one.sample);
      one.row = {
        pipeline: one.name,
        totals,
        rowsPerSecond: one.rate(totals.stored, now),
        behind: unfinished(one.sample),
        health,
      };
      one.verdict = patienceMs === null ? null : judge(look, now - one.movedAtMs, patienceMs);
      const failure = clients.failure();
      if (patienceMs !== null && failure !== null && unsent !== undefined) one.verdict = { kind: 'stalled', why: failure };
    }
    screen.show(watched.flatMap(({ row }) => row ?? []));
    const stalled = watched.flatMap(({ name, verdict }) => (verdict?.kind === 'stalled' ? `${name}: ${verdict.why}` : []));
    const done = watched.every(({ verdict }) => verdict?.kind === 'done');
    if (done || stalled.length > 0 || signal.aborted) return { samples: watched.map(({ sample }) => sample), stalled };
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined); // the signal ends the wait, nothing else can
  }
}
