/** One step of the database's set-up: one file each, listed in order in `index.ts`. */
import type { NewTopic } from '@millrace/core/kafka/kafka.ts';
import type { Model } from '../model.ts';
import type { Server } from '../server.ts';
import type { Session } from '../session.ts';

export interface StepContext {
  /** In the one transaction that makes everything. */
  session: Session;
  model: Model;
  /** How this Pipeline's table works: plain also where it was made before the server had TimescaleDB. */
  server: Server;
  /** The topics that the Pipeline owns. */
  topics: readonly NewTopic[];
  /** Partitions of the processed topic. */
  partitions: number;
  /** Tables (`schema.name`) that this Pipeline claims for the first time, or again; filled by the first step. */
  claimed: Set<string>;
  /** A line for people per thing that was changed; nothing where all was as wanted. */
  changes: string[];
}

/** Brings one thing to what the model wants; changes nothing where it is so already. */
export type Step = (context: StepContext) => Promise<void>;
