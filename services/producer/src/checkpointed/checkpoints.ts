import type { Kafka } from '@millrace/core/kafka/kafka.ts';
import { type Checkpoint, encodeCheckpoint } from '@millrace/core/record/checkpoint.ts';

/** Commits checkpoints one after another, so that an older one never overwrites a newer. */
export class Checkpoints {
  readonly #commit: (metadata: string, ordinal: number) => Promise<void>;
  #last = '';
  #queue: Promise<void> = Promise.resolve();

  constructor(kafka: Pick<Kafka, 'commit'>, group: string, topic: string) {
    this.#commit = (metadata, offset) => kafka.commit(group, topic, 0, { offset, metadata });
  }

  /** Commits what `current` gives when its turn has come, unless that is committed already. */
  save(current: () => Checkpoint): Promise<void> {
    const saved = this.#queue.then(async () => {
      const checkpoint = current();
      const metadata = encodeCheckpoint(checkpoint);
      if (metadata === this.#last) return;
      await this.#commit(metadata, checkpoint.ordinal);
      this.#last = metadata;
    });
    this.#queue = saved.catch(() => undefined); // the caller of this one hears of it; the next one is tried all the same
    return saved;
  }
}
