/** The objects of all runs as one model of a template: what is the same is there once, what differs stands under a condition. */
import { align } from './align.ts';
import { type Case, type Decision, decide } from './decide.ts';
import type { Variable } from './stand.ts';
import type { Piece, Text, Tree } from './text.ts';

/** Something that is there in some cases; null: in all. */
export type When = Decision<boolean> | null;

export type Node =
  | { scalar: null | boolean | number }
  | { ref: number }
  | { text: readonly TextPart[] }
  | { map: readonly { name: string; when: When; node: Node }[] }
  | { list: readonly { when: When; node: Node }[] }
  | { choice: Decision<Node> };

export interface TextPart {
  when: When;
  piece: string | { ref: number; quoted: number } | { checksum: number; of: readonly ChecksumEntry[] };
}

export interface ChecksumEntry {
  when: When;
  name: string;
  content: readonly TextPart[];
}

type Variables = ReadonlyMap<string, Variable>;

/** Top level: the objects, each by its kind and name. */
export function mergeObjects(runs: readonly Case<readonly Tree[]>[], variables: Variables): { when: When; node: Node }[] {
  return slots(runs, variables, identity).map(({ when, cases }) => ({ when, node: merge(cases, variables) }));
}

function merge(cases: readonly Case<Tree>[], variables: Variables): Node {
  const decision = decide(
    cases.map(({ answers, result }) => ({ answers, result: kindOf(result) })),
    variables,
    (kind) => kind,
  );
  if ('result' in decision) return mergeKind(decision.result, cases, variables);
  const branch = (inner: Decision<string>): Decision<Node> =>
    'result' in inner
      ? {
          result: mergeKind(
            inner.result,
            cases.filter(({ result }) => kindOf(result) === inner.result),
            variables,
          ),
        }
      : { ...inner, branches: inner.branches.map(([choice, next]) => [choice, branch(next)] as const) };
  return { choice: branch(decision) };
}

/** What can be merged with each other. */
function kindOf(tree: Tree): string {
  if (Array.isArray(tree)) return tree.length === 0 ? 'empty list' : 'list';
  if (isText(tree)) return 'text';
  if (isMap(tree)) return Object.keys(tree.members).length === 0 ? 'empty map' : 'map';
  return `value ${JSON.stringify(tree)}`;
}

function mergeKind(kind: string, cases: readonly Case<Tree>[], variables: Variables): Node {
  const of = <T extends Tree>(is: (tree: Tree) => tree is T) =>
    cases.map(({ answers, result }) => {
      if (!is(result)) throw new Error(`expected ${kind}`);
      return { answers, result };
    });
  if (kind === 'empty map') return { map: [] };
  if (kind === 'empty list') return { list: [] };
  if (kind === 'map') return mergeMap(of(isMap), variables);
  if (kind === 'text') return mergeText(of(isText), variables);
  if (kind === 'list') {
    const lists = of(isList);
    return { list: itemSlots(lists, variables).map((slot) => ({ when: slot.when, node: merge(slot.cases, variables) })) };
  }
  const [value] = cases.map(({ result }) => result);
  return typeof value === 'object' && value !== null && 'ref' in value ? value : { scalar: value as null | boolean | number };
}

/** The order of members means nothing: each in the place where it was seen first. */
function mergeMap(cases: readonly Case<{ members: Readonly<Record<string, Tree>> }>[], variables: Variables): Node {
  const names = [...new Set(cases.flatMap(({ result }) => Object.keys(result.members)))];
  const map = names.map((name) => {
    const has = cases.filter(({ result }) => Object.hasOwn(result.members, name));
    const members = has.map(({ answers, result }) => ({ answers, result: result.members[name] as Tree }));
    const when = whenOf(cases, ({ result }) => Object.hasOwn(result.members, name), variables);
    return { name, when, node: merge(members, variables) };
  });
  return { map };
}

/** Whole texts where they are short and simple, else by lines. */
function mergeText(cases: readonly Case<Text>[], variables: Variables): Node {
  const same = new Set(cases.map(({ result }) => JSON.stringify(result))).size === 1;
  const simple = cases.every(({ result }) =>
    result.pieces.every((piece) => (typeof piece === 'string' ? !piece.includes('\n') : 'ref' in piece)),
  );
  if (same || !simple) return { text: mergePieces(cases, variables) };
  const decision = decide(cases, variables, (text) => JSON.stringify(text));
  const branch = (inner: Decision<Text>): Decision<Node> =>
    'result' in inner
      ? { result: { text: mergePieces([{ answers: new Map(), result: inner.result }], variables) } }
      : { ...inner, branches: inner.branches.map(([choice, next]) => [choice, branch(next)] as const) };
  return { choice: branch(decision) };
}

/** Lines are the same where what they stand under is, as far as they are indented. */
function mergePieces(cases: readonly Case<Text>[], variables: Variables): TextPart[] {
  const lists = cases.map(({ answers, result }) => ({ answers, result: keyedLines(result.pieces) }));
  return slots(lists, variables, ({ key }) => key).flatMap(({ when, cases: lines }) => {
    const pieces = lines[0]?.result.pieces ?? [];
    return pieces.map((piece, at) => {
      if (typeof piece === 'string' || 'ref' in piece) return { when, piece };
      const of = lines.map(({ answers, result }) => ({ answers, result: checksumAt(result.pieces, at) }));
      return { when, piece: { checksum: piece.checksum, of: mergeEntries(of, variables) } };
    });
  });
}

function checksumAt(pieces: readonly Piece[], at: number): readonly { name: string; content: Text }[] {
  const piece = pieces[at];
  return typeof piece === 'object' && 'of' in piece ? piece.of : [];
}

function mergeEntries(cases: readonly Case<readonly { name: string; content: Text }[]>[], variables: Variables): ChecksumEntry[] {
  return slots(cases, variables, ({ name }) => name).map(({ when, cases: some }) => ({
    when,
    name: some[0]?.result.name ?? '',
    content: mergePieces(
      some.map(({ answers, result }) => ({ answers, result: result.content })),
      variables,
    ),
  }));
}

interface SlotCases<T> {
  when: When;
  /** Those that have it. */
  cases: Case<T>[];
}

function slots<T>(lists: readonly Case<readonly T[]>[], variables: Variables, key: (item: T) => string): SlotCases<T>[] {
  const common = align(
    lists.map(({ result }) => result),
    key,
  );
  return common.map((slot) => ({
    when: whenOf(lists, (_, index) => slot.has(index), variables),
    cases: lists.flatMap(({ answers }, index) => (slot.has(index) ? [{ answers, result: slot.get(index) as T }] : [])),
  }));
}

/** Equal items are the same; where that leaves nearly nothing in common, those that look alike are. */
function itemSlots(lists: readonly Case<readonly Tree[]>[], variables: Variables): SlotCases<Tree>[] {
  const exact = slots(lists, variables, itemKey);
  const longest = Math.max(...lists.map(({ result }) => result.length));
  return exact.length <= 2 * longest ? exact : slots(lists, variables, likeness);
}

function whenOf<T>(cases: readonly Case<T>[], is: (one: Case<T>, index: number) => boolean, variables: Variables): When {
  const decision = decide(
    cases.map((one, index) => ({ answers: one.answers, result: is(one, index) })),
    variables,
    String,
  );
  return 'result' in decision ? null : decision;
}

const isText = (tree: Tree): tree is Text => typeof tree === 'object' && tree !== null && 'pieces' in tree;
const isMap = (tree: Tree): tree is { members: Readonly<Record<string, Tree>> } =>
  typeof tree === 'object' && tree !== null && 'members' in tree;
const isList = (tree: Tree): tree is readonly Tree[] => Array.isArray(tree);

function pieceKey(piece: Piece): string {
  return typeof piece === 'object' && 'checksum' in piece ? `checksum ${piece.checksum}` : JSON.stringify(piece);
}

interface Line {
  key: string;
  pieces: readonly Piece[];
}

/** Lines with a key of their own: their text, the lines that they are indented under, and what a lonely bracket opens. */
function keyedLines(pieces: readonly Piece[]): Line[] {
  const lines: Piece[][] = [[]];
  for (const piece of pieces) {
    lines.at(-1)?.push(piece);
    if (typeof piece === 'string' && piece.endsWith('\n')) lines.push([]);
  }
  const around: { indent: number; key: string }[] = [];
  return lines.flatMap((line, index) => {
    if (line.length === 0) return [];
    const text = line.map(pieceKey).join();
    const indent = /^"( *)/.exec(text)?.[1]?.length ?? 0;
    while ((around.at(-1)?.indent ?? -1) >= indent) around.pop();
    const opened = /^" *[{[]\\n"$/.test(text) ? (lines[index + 1] ?? []).map(pieceKey).join() : '';
    const key = `${around.at(-1)?.key ?? ''}/${text}${opened}`;
    around.push({ indent, key });
    return [{ key, pieces: line }];
  });
}

/** Items with a name of their own are merged with their like, others are as they are or not there. */
function itemKey(item: Tree): string {
  const name = isMap(item) ? item.members.name : undefined;
  return name === undefined ? JSON.stringify(item) : `name ${JSON.stringify(name)}`;
}

/** What it has, lists aside. */
function likeness(item: Tree): string {
  if (!isMap(item)) return itemKey(item);
  return Object.entries(item.members)
    .map(([name, member]) => `${name} ${isList(member) ? '' : JSON.stringify(member)}`)
    .join();
}

/** Kind and name; a checksum in the name stands for itself. */
function identity(object: Tree): string {
  if (!isMap(object) || !isMap(object.members.metadata ?? null)) throw new Error('an object without metadata');
  const { kind, apiVersion, metadata } = object.members;
  const name = isMap(metadata ?? null) ? (metadata as { members: Record<string, Tree> }).members.name : null;
  const parts = isText(name ?? null) ? (name as Text).pieces.map(pieceKey) : [];
  return JSON.stringify([apiVersion, kind, parts]);
}
