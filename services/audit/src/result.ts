/** What an audit found: one line per check, and where a check does not come out, the places. */

export type State = 'equal' | 'different' | 'unknown';

/** One place where what was found is not what was expected, or where it cannot be told. */
export interface Finding {
  state: Exclude<State, 'equal'>;
  partition: number | null;
  /** Of the raw topic, as in origins. */
  topicId: string | null;
  /** Start of the hour of the raw append time, ISO 8601; null: all hours, or unknown. */
  hour: string | null;
  expected: number | null;
  found: number | null;
  /** For people: what it means. */
  text: string;
}

export interface Check {
  name: CheckName;
  state: State;
  /** For people: what was compared, with the numbers. */
  text: string;
  findings: Finding[];
  /** Rows that are missing or too many, over all findings. */
  differenceRows: number;
  /** For people: what is left out of the comparison, and why that is no difference. */
  notes: string[];
}

export const CHECKS = ['raw log', 'processor', 'dead letters', 'sink', 'table', 'lost'] as const;
export const FULL_CHECKS = ['origins', 'rows'] as const;
export type CheckName = (typeof CHECKS)[number] | (typeof FULL_CHECKS)[number];

export interface AuditResult {
  pipeline: string;
  state: State;
  /** Epoch ms. */
  startedAtMs: number;
  tookMs: number;
  /** Rows in the table, and records between the raw topic's end and the table. */
  rows: number | null;
  inFlight: number | null;
  checks: Check[];
}

/** Different if any is, else unknown if any is. */
export function worst(states: readonly State[]): State {
  return states.includes('different') ? 'different' : states.includes('unknown') ? 'unknown' : 'equal';
}

/** A check from its findings. */
export function checkOf(name: CheckName, text: string, findings: readonly Finding[], notes: readonly string[] = []): Check {
  const rows = findings.map(({ state, expected, found }) =>
    state === 'different' && expected !== null && found !== null ? Math.abs(expected - found) : 0,
  );
  return {
    name,
    state: worst(findings.map(({ state }) => state)),
    text,
    findings: [...findings],
    differenceRows: rows.reduce((sum, by) => sum + by, 0),
    notes: [...notes],
  };
}
