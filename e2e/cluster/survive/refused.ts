/** What `millrace dlq list --json` lists, as the records of the input. Pure. */

interface Listed {
  stage: string;
  record: { value: string };
}

interface Row {
  time: string;
  device: string;
  note?: string;
}

/**
 * The input's record of each refusal, sorted. What the database refused stands there as the row that it would have been,
 * and is told by its time, device and note; all else as it came.
 * @param bad the records that must be refused @param lines one refusal each
 */
export function refusedRecords(lines: string, bad: readonly string[]): string[] {
  const byRow = new Map<string, string>();
  for (const value of bad) {
    const raw = parsed(value);
    if (raw !== null) byRow.set(JSON.stringify([raw.at, raw.device, raw.note]), value);
  }
  const original = ({ stage, record: { value } }: Listed): string => {
    if (stage !== 'store') return value;
    const { time, device, note } = JSON.parse(value) as Row;
    return byRow.get(JSON.stringify([time, device, note])) ?? value;
  };
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => original(JSON.parse(line) as Listed))
    .sort();
}

/** null: one that is bad in that it is no JSON object. */
function parsed(value: string): Record<string, unknown> | null {
  try {
    const one: unknown = JSON.parse(value);
    return typeof one === 'object' && one !== null ? (one as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
