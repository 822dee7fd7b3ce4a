import { SOURCE_KINDS } from '@millrace/core/spec/source.ts';
import { http } from './http.ts';
import { mqtt } from './mqtt.ts';
import { replay } from './replay.ts';
import { simulator } from './simulator.ts';
import type { Source } from './source.ts';

type Kind = (typeof SOURCE_KINDS)[number];

/** Every kind of source of the spec; null: not built yet. */
const SOURCES: Record<Kind, Source | null> = {
  replay,
  simulator,
  http,
  mqtt,
  topic: null,
};

/** The source that a spec's `source` names. @throws Error for one that is not built yet, naming those that are */
export function sourceOf(spec: Partial<Record<Kind, unknown>>): Source {
  const kind = SOURCE_KINDS.find((candidate) => spec[candidate] !== undefined);
  const source = kind && SOURCES[kind];
  if (source) return source;
  const built = SOURCE_KINDS.filter((candidate) => SOURCES[candidate] !== null).join(', ');
  throw new Error(`source.${kind ?? '?'} is not built yet; allowed are ${built}`);
}
