/** What a redrive found and did, by stage and reason of the refusals. */
import { placeOf, type Refused } from '../records/refusals.ts';

/** What a refusal would be under the specification at hand, or why it cannot be sent. */
export type Verdict =
  | { kind: 'row' }
  | { kind: 'refused'; stage: string; reason: string; message: string }
  | { kind: 'dropped'; filter: string }
  | { kind: 'cannot'; why: string };

export interface ReasonCounts {
  stage: string;
  reason: string;
  refusals: number;
  row: number;
  refused: number;
  dropped: number;
  cannot: number;
}

export interface Example {
  record: string;
  id: string;
  message: string;
}

/** Refusals that are told one by one. */
const MOST_EXAMPLES = 20;
/** Stages and reasons are few words; what another writer put into headers is not. */
const MOST_REASONS = 200;

export class RedriveCounts {
  /** Refusals that were looked at: each once, whatever was selected. */
  looked = 0;
  selected = 0;
  /** Of these, refusals whose redrive became a row before. */
  redriven = 0;
  sent = 0;
  readonly reasons = new Map<string, ReasonCounts>();
  /** The first of those that cannot be sent, and of those that would be refused again. */
  readonly cannot: Example[] = [];
  readonly again: Example[] = [];

  add(refused: Refused, verdict: Verdict): void {
    const { refusal, id } = refused;
    const counts = this.#of(refusal.stage, refusal.reason);
    counts.refusals++;
    counts[verdict.kind]++;
    const example = (message: string): Example => ({ record: placeOf(refusal), id, message });
    if (verdict.kind === 'cannot' && this.cannot.length < MOST_EXAMPLES) this.cannot.push(example(verdict.why));
    if (verdict.kind === 'refused' && this.again.length < MOST_EXAMPLES)
      this.again.push(example(`${verdict.stage}, ${verdict.reason}: ${verdict.message}`));
  }

  total(name: 'refusals' | Verdict['kind']): number {
    return [...this.reasons.values()].reduce((sum, counts) => sum + counts[name], 0);
  }

  #of(stage: string, reason: string): ReasonCounts {
    const key = `${stage} ${reason}`;
    const known = this.reasons.get(key);
    if (known) return known;
    if (this.reasons.size >= MOST_REASONS && reason !== '…') return this.#of(stage, '…');
    const counts = { stage, reason, refusals: 0, row: 0, refused: 0, dropped: 0, cannot: 0 };
    this.reasons.set(key, counts);
    return counts;
  }
}
