/** What becomes of a request's records, as answers: nothing to say once Kafka has all of them, else 429 or 503: send it again. */
import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import { RECEIVED_AT_HEADER, SOURCE_HEADER } from '@millrace/core/record/raw.ts';
import type { Intake } from '../intake/intake.ts';
import type { Enveloped } from './envelope.ts';

/** A request that Kafka did not acknowledge within this time is answered 503. */
const ACKNOWLEDGED_WITHIN_MS = 10_000;
const RETRY_SECONDS = { full: 1, away: 5 };

/** @throws HttpRefusal 429 or 503 while no more is taken */
export function checkAdmission({ admission }: Pick<Intake, 'admission'>): void {
  if (admission.kind === 'away') throw notStored(admission.why);
  if (admission.kind === 'full')
    throw new HttpRefusal(429, 'Kafka takes less than is being sent; send it again', { retryAfterSeconds: RETRY_SECONDS.full });
}

/**
 * Resolves when Kafka acknowledged all. What is rejected may be in the log all the same: the client sends again.
 * @throws HttpRefusal 429 or 503
 */
export async function store(
  records: readonly Enveloped[],
  intake: Pick<Intake, 'admission' | 'take'>,
  withinMs = ACKNOWLEDGED_WITHIN_MS,
): Promise<void> {
  checkAdmission(intake);
  const headers = { [SOURCE_HEADER]: 'http', [RECEIVED_AT_HEADER]: String(Date.now()) };
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const rejected = (why: string): void => reject(notStored(why));
  const late = setTimeout(rejected, withinMs, 'Kafka did not acknowledge in time');
  intake.take(
    records.map(({ key, value }) => ({ key, value, headers })),
    { acknowledged: resolve, rejected },
  );
  try {
    await promise;
  } finally {
    clearTimeout(late);
  }
}

function notStored(why: string): HttpRefusal {
  return new HttpRefusal(503, `not stored: ${why}; send it again`, { retryAfterSeconds: RETRY_SECONDS.away });
}
