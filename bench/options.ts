/** What the environment asks of `make bench`. Pure. */
import { SIZES, type Size } from './sizes.ts';

export interface BenchOptions {
  only: string[];
  size: Size;
  peers: boolean;
  /** Whether the results are the ones to be committed. */
  reference: boolean;
}

/** @throws Error naming the variable, its value and what is allowed */
export function readOptions(env: Readonly<Record<string, string | undefined>>, names: readonly string[]): BenchOptions {
  const only = (env.ONLY ?? '').split(',').flatMap((name) => name.trim() || []);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`ONLY names ${JSON.stringify(unknown)}; allowed are ${names.join(', ')}`);
  const size: Size = isOn(env.FULL) ? SIZES.full : SIZES.usual;
  return {
    only: names.filter((name) => only.length === 0 || only.includes(name)),
    size: env.ROWS === undefined || env.ROWS === '' ? size : narrowed(size, env.ROWS),
    peers: isOn(env.PEERS),
    reference: isOn(env.REFERENCE),
  };
}

/** The shared backlog has so many rows, and nothing that is measured in steps more than that. */
function narrowed(size: Size, text: string): Size {
  const rows = Number(text);
  if (!(Number.isSafeInteger(rows) && rows >= 1_000))
    throw new Error(`ROWS is ${JSON.stringify(text)}; allowed is a whole number of at least 1000`);
  return {
    ...size,
    rows,
    growthRows: Math.min(size.growthRows, rows),
    growth: { ...size.growth, rows: size.growth.rows.filter((step) => step <= rows) },
  };
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== '' && value !== '0';
}
