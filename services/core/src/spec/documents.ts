/**
 * Reads YAML (of which JSON is a part) and remembers where everything stands.
 *
 * Invariants: a name stands once in its map; aliases and documents are bounded; whole numbers beyond 2^53 are refused rather than
 * rounded; nothing but the types of YAML's core schema comes out. Time and memory are linear in the size of the file, which is
 * bounded before it is parsed (`yamlSize.ts`), and nothing but values is kept of it.
 */
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  Parser,
  visit,
  type YAMLMap,
} from 'yaml';
import type { Path, Problem } from './problem.ts';
import { type Excess, excessOf, MAX_LEVELS } from './yamlSize.ts';

export const MAX_FILE_BYTES = 1_048_576;
const MAX_ALIASES = 100;
const YAML_ALLOWED = 'YAML 1.2 or JSON';
/** One slip makes many syntax errors; the first ones tell. */
const MAX_FLAWS = 10;
const MAX_MESSAGE = 200;
/** Each costs time and memory, also an empty one; an operator handles a thousand Pipelines. */
const MAX_DOCUMENTS = 1_000;

export interface Place {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
}

export interface YamlDocument {
  value: unknown;
  /** Where the name or the value at a path stands; where there is none, the nearest that is around it. */
  locate(path: Path, at?: 'name'): Place;
}

export interface YamlFile {
  documents: YamlDocument[];
  problems: Problem[];
}

/** What is wrong with the text itself. */
type Flaw = Excess;

/** The documents of a file that are not empty, and what is wrong with it as YAML. Throws nothing. */
export function readDocuments(text: string | Uint8Array, file: string): YamlFile {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problem = ({ message, found, allowed, offset }: Flaw): Problem => ({
    file,
    ...place(offset),
    path: '',
    found,
    allowed,
    message,
  });
  const read = readText(text);
  if (typeof read !== 'string') return { documents: [], problems: [problem(read)] };
  lines.addNewLine(0);
  for (let end = read.indexOf('\n'); end !== -1; end = read.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  const parsed = excessOf(read) ?? parse(read);
  if ('message' in parsed) return { documents: [], problems: [problem(parsed)] };

  /** Parsed again where a place is asked for, which ends in an error: kept, it is a hundred times the file. */
  let again: typeof parsed | null = null;
  const located = (index: number, path: Path, at?: 'name'): Place => {
    if (again === null) {
      const second = parse(read);
      again = 'message' in second ? [] : second;
    }
    const document = again[index];
    return place(document === undefined ? 0 : offsetOf(document, path, at));
  };
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  for (const [index, document] of parsed.entries()) {
    const flaws = flawsOf(document, read);
    if (flaws.length === 0 && document.contents !== null) {
      try {
        const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
        if (value !== null) documents.push({ value, locate: (path, at) => located(index, path, at) });
      } catch (error) {
        const offset = document.contents.range[0];
        const allowed = `at most ${MAX_ALIASES} uses of anchors`;
        flaws.push({ message: (error as Error).message, found: 'too many aliases', allowed, offset });
      }
    }
    problems.push(...flaws.map(problem));
  }
  return { documents, problems };
}

function readText(text: string | Uint8Array): string | Flaw {
  const bytes = typeof text === 'string' ? Buffer.byteLength(text) : text.length;
  const flaw = (message: string, found: string, allowed: string): Flaw => ({ message, found, allowed, offset: 0 });
  if (bytes > MAX_FILE_BYTES)
    return flaw('the file is too large for a Pipeline', `${bytes} bytes`, `at most ${MAX_FILE_BYTES} bytes`);
  try {
    const decoded = typeof text === 'string' ? text : new TextDecoder('utf-8', { fatal: true }).decode(text);
    const marks = decoded.match(/^---/gm)?.length ?? 0;
    if (marks <= MAX_DOCUMENTS) return decoded;
    return flaw('the file has too many documents', `${marks} lines that begin with ---`, `at most ${MAX_DOCUMENTS}`);
  } catch {
    return flaw('the file is no text', 'bytes that are not UTF-8', `${YAML_ALLOWED}, in UTF-8`);
  }
}

function parse(text: string): Document.Parsed<ParsedNode>[] | Flaw {
  const composer = new Composer<ParsedNode>({
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false, // checked in `flawsOf`: the library's own check takes quadratic time
    resolveKnownTags: false,
    logLevel: 'silent',
  });
  try {
    return [...composer.compose(untilErrors(new Parser().parse(text)), true, text.length)];
  } catch (error) {
    return {
      message: `the file cannot be read: ${(error as Error).message}`,
      found: excerpt(text, 0),
      allowed: YAML_ALLOWED,
      offset: 0,
    };
  }
}

/** Ends behind the first errors: each one more takes memory, and is not shown. */
function* untilErrors(tokens: Iterable<CST.Token>): Generator<CST.Token> {
  let errors = 0;
  for (const token of tokens) {
    yield token;
    if (token.type === 'error' && ++errors === MAX_FLAWS) return;
  }
}

function flawsOf(document: Document.Parsed<ParsedNode>, text: string): Flaw[] {
  const errors = [...document.errors, ...document.warnings];
  // The parser is recursive: a file nested thousands deep ends its stack.
  if (errors.some(({ message }) => /call stack|stack overflow/i.test(message)))
    return [
      {
        message: 'lists or objects are nested too deep',
        found: excerpt(text, 0),
        allowed: `at most ${MAX_LEVELS} levels`,
        offset: 0,
      },
    ];
  const flaws = errors.slice(0, MAX_FLAWS).map(({ message, pos: [offset] }) => ({
    message: message.slice(0, MAX_MESSAGE), // some repeat what stands in the file
    found: excerpt(text, offset),
    allowed: YAML_ALLOWED,
    offset,
  }));
  visit(document, {
    Map: (_key, map) => {
      flaws.push(...nameFlaws(map).slice(0, MAX_FLAWS));
    },
    Scalar: (_key, { value, source = '', range }) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^([-+]?\d+|0[xo].*)$/.test(source)) return;
      const message = 'the whole number is too large to stay exact';
      flaws.push({
        message,
        found: source.slice(0, 80),
        allowed: 'numbers up to 2^53, or text in quotes',
        offset: range?.[0] ?? 0,
      });
    },
  });
  return flaws.slice(0, MAX_FLAWS);
}

function excerpt(text: string, offset: number): string {
  return JSON.stringify(text.slice(offset, offset + 40).split('\n')[0]);
}

function nameFlaws(map: YAMLMap): Flaw[] {
  const seen = new Set<string>();
  return map.items.flatMap(({ key }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    const flaw = { found: JSON.stringify(name.slice(0, 80)), offset: key.range?.[0] ?? 0 };
    // What is read into an object under this name is lost.
    if (name === '__proto__') return [{ ...flaw, message: 'this name cannot be used', allowed: 'another name' }];
    if (seen.has(name)) return [{ ...flaw, message: 'the name stands twice', allowed: 'each name once' }];
    seen.add(name);
    return [];
  });
}

function offsetOf(document: Document.Parsed<ParsedNode>, path: Path, at?: 'name'): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const [index, part] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === part);
      if (!pair) return offset;
      const name = startOf(pair.key) ?? offset;
      if (index === path.length - 1 && at === 'name') return name;
      offset = startOf(pair.value) ?? name;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}
