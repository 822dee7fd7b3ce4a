/** For tests: a Pipeline that is right, lines of it changed, and what is wrong then. */
import { type Problem, parsePipelines, SpecError } from '../spec/load.ts';

/** Line 1 is the first; the tests below change one line of it. */
export const GOOD = `apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: traffic }
spec:
  source:
    replay: { path: a.csv }
  topics: { partitions: 6 }
  record:
    key: device
    time: { field: at }
    fields:
      device: { type: text, required: true }
      speed: { type: float, min: 0, max: 300 }
      place: { type: point }
    derive:
      - { name: fast, type: bool, cel: "speed > 100" }
    where:
      - { name: gone, cel: "device != 'x'" }
  table:
    name: events
    retain: 1y
  rollups:
    - { every: 1h, of: [speed] }
`;

/** All that is wrong with a text. */
export function problemsOf(text: string | Uint8Array): readonly Problem[] {
  try {
    parsePipelines(text, 'p.yaml');
  } catch (error) {
    if (error instanceof SpecError) return error.problems;
    throw error;
  }
  return [];
}

/** GOOD with one line replaced (by its number) or lines added after it. */
export function changed(line: number, text: string): string {
  const lines = GOOD.split('\n');
  lines[line - 1] = text;
  return lines.join('\n');
}
