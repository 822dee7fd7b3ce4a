/**
 * A role is one kind of work (producer, processor, sink …) and serves one Pipeline or many, each isolated from the
 * others' failures: `serve.ts` starts a worker per Pipeline, restarts it with back-off when it fails, and drains all in
 * order on SIGTERM.
 */

import type { Pool } from 'pg';
import type { Registry } from 'prom-client';
import type { Kafka } from '../kafka/kafka.ts';
import type { Logger } from '../log.ts';
import type { Pipeline } from '../spec/pipeline.ts';

/** Where sources of HTTP listen, and where the Secrets are that a spec names. */
export interface HttpOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Folder with one folder per Secret, and in it one file per key, as Kubernetes mounts them; null: none was given. */
  secrets: string | null;
}

export interface RoleContext {
  kafka: Kafka;
  database: Pool;
  log: Logger;
  /** Shared by all Pipelines of the process: a metric is made once per registry, and labelled by Pipeline. */
  metrics: Registry;
  /** Folder to which relative paths in this Pipeline's spec are relative. */
  baseFolder: string;
  /** Default: loopback, the default port, no Secrets. */
  http?: HttpOptions;
  /** Which one this is of several producers that share a source. Default: the name of the machine. */
  instance?: string;
  /** The same in a cluster: of pods that are numbered, of which there are `spec.scale.producers`. Not beside `instance`. */
  ordinal?: number;
}

/** What a worker does, for programs. `paused`: it waits for something outside, and goes on by itself. */
export type Phase = 'starting' | 'running' | 'paused' | 'completed' | 'failed' | 'stopping';

export interface WorkerHealth {
  ready: boolean;
  phase: Phase;
  /** One line for people: `reading`, `paused: database unreachable: …`, `completed: 5236 records`. */
  state: string;
}

export interface Worker {
  health(): WorkerHealth;
  /** Resolves with the error when the worker can do no more by itself; pending otherwise. */
  readonly failed: Promise<Error>;
  /** Flushes what it has taken, then lets go. */
  stop(): Promise<void>;
}

type WithoutDatabase = Omit<RoleContext, 'database'>;

export type Role =
  | { name: 'producer'; needsDatabase: false; start(pipeline: Pipeline, context: WithoutDatabase): Promise<Worker> }
  | {
      name: 'processor';
      /** For the device registry. */
      needsDatabase(pipeline: Pipeline): boolean;
      start(pipeline: Pipeline, context: WithoutDatabase & { database?: Pool }): Promise<Worker>;
    }
  | { name: 'sink'; needsDatabase: true; start(pipeline: Pipeline, context: RoleContext): Promise<Worker> };
