/** What is wrong with a Pipeline, for people: place, what was found, what is allowed. */

export type Path = readonly (string | number)[];

/** Found by a check that knows the value but not the file. */
export interface Finding {
  path: Path;
  /** What is wrong. */
  message: string;
  /** What may stand there. */
  allowed: string;
  /** What stands there; left out: the value at `path`. */
  found?: string;
  /** Whether the name or the value at `path` is meant. Default: the value. */
  at?: 'name';
}

export interface Problem {
  file: string;
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** Such as `spec.record.fields.speed.min`; empty for the whole file. */
  path: string;
  found: string;
  allowed: string;
  message: string;
}

/** How many problems the message of an error shows. */
const MAX_SHOWN = 50;

/** All that is wrong with the Pipelines that were to be loaded; none of them is used. */
export class SpecError extends Error {
  override name = 'SpecError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const left = problems.length - MAX_SHOWN;
    super(
      [...problems.slice(0, MAX_SHOWN).map(problemText), ...(left > 0 ? [`and ${left} or more other problems`] : [])].join('\n'),
    );
    this.problems = problems;
  }
}

/** One problem as lines of text: `file:line:column path: message`, then what was found and what is allowed. */
export function problemText({ file, line, column, path, found, allowed, message }: Problem): string {
  const place = `${file}:${line}:${column}${path === '' ? '' : ` ${path}`}`;
  return `${place}: ${message}\n  found:   ${found}\n  allowed: ${allowed}`;
}

export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = /^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(clip(part));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** A value in few words, whatever it is. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null (an empty value)';
  if (typeof value === 'string') return JSON.stringify(clip(value));
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value !== 'object') return String(value);
  const names = Object.keys(value);
  return names.length === 0 ? 'an empty object {}' : `an object with ${clip(names.join(', '))}`;
}

/** Names as a list for people, cut where it gets long. */
export function nameList(names: Iterable<string>): string {
  const list = [...new Set(names)];
  if (list.length === 0) return '(none)';
  return list.length > 40 ? `${list.slice(0, 40).join(', ')} and ${list.length - 40} more` : list.join(', ');
}

function clip(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
