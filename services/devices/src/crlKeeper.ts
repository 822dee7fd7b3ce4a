/** Keeps the newest list of revoked certificates at hand, and sees that there is always one that is good. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import type { Crl } from '@millrace/identity/crl.ts';
import type { Identity } from '@millrace/identity/identity.ts';

const LOOK_MS = 3_000;

export interface CrlKeeper {
  /** null: the database was not reached yet. */
  newest(): Crl | null;
  /** Why it may be older than it should; null: it is not. */
  trouble(): string | null;
  stop(): Promise<void>;
}

/** @param told of each that is new */
export function keepCrl(identity: Pick<Identity, 'crl'>, log: Logger, told: (crl: Crl) => void): CrlKeeper {
  const stopping = new AbortController();
  let newest: Crl | null = null;
  let trouble: string | null = 'the list of revoked certificates was not read yet';

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const crl = await identity.crl();
        if (crl.number !== newest?.number) {
          log.info({ number: String(crl.number), until: crl.nextUpdate }, 'the list of revoked certificates is new');
          told(crl);
        }
        newest = crl;
        trouble = null;
      } catch (error) {
        const { message } = error as Error;
        if (message !== trouble) log.warn({ error: message }, 'the list of revoked certificates cannot be read');
        trouble = message;
      }
      await sleep(LOOK_MS, undefined, { signal: stopping.signal }).catch(() => undefined); // an abort ends the loop
    }
  }

  const keeping = keep();
  return {
    newest: () => newest,
    trouble: () => trouble,
    stop: async () => {
      stopping.abort();
      await keeping;
    },
  };
}
