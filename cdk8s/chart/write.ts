/** The model of a part as the text of a template: YAML, with texts of several lines or with conditions as named templates. */
import { condition, type Decision } from './decide.ts';
import { ask, escapeText, literal, quoted, readRef } from './expression.ts';
import type { ChecksumEntry, Node, TextPart, When } from './merge.ts';
import type { Choice, Ref, Variable } from './stand.ts';

export interface Written {
  objects: string;
  /** Named templates. */
  texts: string;
}

/** @param part begins the names of its named templates @param refs by index */
export function write(part: string, objects: readonly { when: When; node: Node }[], refs: readonly Ref[]): Written {
  const writer = new Writer(part, refs);
  const documents = guarded(
    objects.map(({ when, node }) => ({ when, lines: ['---', ...writer.block(node, '', [])] })),
    '',
  );
  return { objects: `${documents.join('\n')}\n`, texts: writer.texts() };
}

class Writer {
  readonly #part: string;
  readonly #refs: readonly Ref[];
  /** Body of each named template, by its name. */
  readonly #named = new Map<string, string>();

  constructor(part: string, refs: readonly Ref[]) {
    this.#part = part;
    this.#refs = refs;
  }

  texts(): string {
    return [...this.#named].map(([name, body]) => `{{- define ${literal(name)} }}${body}{{ end }}\n`).join('\n');
  }

  /** Lines of a value that stands on lines of its own. */
  block(node: Node, indent: string, path: readonly string[]): string[] {
    if ('map' in node && node.map.length > 0)
      return guarded(
        node.map.map(({ name, when, node: member }) => ({ when, lines: this.#member(name, member, indent, [...path, name]) })),
        indent,
      );
    if ('list' in node && node.list.length > 0)
      return guarded(
        node.list.map(({ when, node: item }) => ({ when, lines: this.#item(item, indent, path) })),
        indent,
      );
    if ('choice' in node) return this.#choice(node.choice, (inner) => this.block(inner, indent, path), indent);
    return [`${indent}${this.#scalar(node, path)}`];
  }

  #member(name: string, node: Node, indent: string, path: readonly string[]): string[] {
    const inline = this.#inline(node, path);
    if (inline !== null) return [`${indent}${plain(name)}: ${inline}`];
    const deeper = 'list' in node ? indent : `${indent}  `;
    return [`${indent}${plain(name)}:`, ...this.block(node, deeper, path)];
  }

  #item(node: Node, indent: string, path: readonly string[]): string[] {
    const inline = this.#inline(node, path);
    if (inline !== null) return [`${indent}- ${inline}`];
    const [first = '', ...rest] = this.block(node, `${indent}  `, path);
    return first.trimStart().startsWith('{{-') ? [`${indent}-`, first, ...rest] : [`${indent}- ${first.trimStart()}`, ...rest];
  }

  /** On one line; null for what takes several. */
  #inline(node: Node, path: readonly string[]): string | null {
    if ('map' in node) return node.map.length === 0 ? '{}' : null;
    if ('list' in node) return node.list.length === 0 ? '[]' : null;
    if (!('choice' in node)) return this.#scalar(node, path);
    return this.#inlineChoice(node.choice, path);
  }

  #inlineChoice(decision: Decision<Node>, path: readonly string[]): string | null {
    if ('result' in decision) return this.#inline(decision.result, path);
    const branches = decision.branches.map(([choice, inner]) => ({ choice, text: this.#inlineChoice(inner, path) }));
    if (branches.some(({ text }) => text === null)) return null;
    const parts = branches.map(
      ({ choice, text }, index) => `{{ ${word(index, branches.length, decision.variable, choice)} }}${text}`,
    );
    return `${parts.join('')}{{ end }}`;
  }

  #choice<T>(decision: Decision<T>, lines: (result: T) => string[], indent: string): string[] {
    if ('result' in decision) return lines(decision.result);
    const { branches, variable } = decision;
    return [
      ...branches.flatMap(([choice, inner], index) => [
        `${indent}{{- ${word(index, branches.length, variable, choice)} }}`,
        ...this.#choice(inner, lines, indent),
      ]),
      `${indent}{{- end }}`,
    ];
  }

  #scalar(node: Node, path: readonly string[]): string {
    if ('scalar' in node) return literal(node.scalar);
    if ('ref' in node) return `{{ ${this.#read(node.ref)} }}`;
    if ('text' in node) return this.#text(node.text, path);
    throw new Error(`${path.join('.')} does not fit on a line`);
  }

  /** A text as a value of YAML, in quotes of JSON. */
  #text(parts: readonly TextPart[], path: readonly string[]): string {
    if (parts.every(({ when, piece }) => when === null && typeof piece === 'string') && !isLong(parts))
      return plain(parts.map(({ piece }) => piece).join(''));
    return `{{ ${this.#expression(parts, path)} | toJson }}`;
  }

  /** An expression that gives the text. */
  #expression(parts: readonly TextPart[], path: readonly string[]): string {
    if (parts.some(({ when }) => when !== null) || isLong(parts)) return `include ${literal(this.#name(parts, path))} .`;
    const [only] = parts;
    if (!only) return literal('');
    if (parts.length === 1 && typeof only.piece === 'string') return literal(only.piece);
    if (parts.length === 1 && typeof only.piece !== 'string') {
      const isNumber = 'ref' in only.piece && this.#refs[only.piece.ref]?.type === 'integer';
      const alone = this.#piece(only.piece, path);
      return isNumber ? `print ${alone}` : unbracketed(alone); // a number alone would be one, and no text
    }
    const words = parts.flatMap(({ piece }, index) => {
      if (typeof piece === 'string') return [literal(piece)];
      // print puts a space between two values that are no texts.
      return [...(typeof parts[index - 1]?.piece === 'object' ? ['""'] : []), this.#piece(piece, path)];
    });
    return `print ${words.join(' ')}`;
  }

  #piece(piece: Exclude<TextPart['piece'], string>, path: readonly string[]): string {
    if ('ref' in piece) return quoted(this.#read(piece.ref), piece.quoted);
    return `(${this.#checksum(piece.of, path)} | sha256sum | trunc ${piece.checksum})`;
  }

  /** What `constructs/checksum.ts` computes it of. */
  #checksum(entries: readonly ChecksumEntry[], path: readonly string[]): string {
    const texts = entries.flatMap(({ name, content, when }) => {
      if (when !== null) throw new Error(`${path.join('.')}: what its checksum is made of depends on a structural value`);
      return [literal(name), '"\\x00"', bracketed(this.#expression(content, [...path, name])), '"\\x00"'];
    });
    return `print ${texts.join(' ')}`;
  }

  /** The named template of a text: the same text has one. */
  #name(parts: readonly TextPart[], path: readonly string[]): string {
    const body = this.#body(parts, path);
    const known = [...this.#named].find(([, other]) => other === body);
    if (known) return known[0];
    const base = `millrace.${this.#part}.${path.at(-1) ?? 'text'}`;
    let name = base;
    for (let count = 2; this.#named.has(name); count += 1) name = `${base}.${count}`;
    this.#named.set(name, body);
    return name;
  }

  /** Neighbours under the same condition stand under it together. */
  #body(parts: readonly TextPart[], path: readonly string[]): string {
    let body = '';
    let open: string | null = null;
    for (const { when, piece } of parts) {
      const wanted = when ? condition(when, ask) : null;
      if (wanted !== open) body += `${open === null ? '' : '{{ end }}'}${wanted === null ? '' : `{{ if ${wanted} }}`}`;
      body += typeof piece === 'string' ? escapeText(piece) : `{{ ${unbracketed(this.#piece(piece, path))} }}`;
      open = wanted;
    }
    return `${body}${open === null ? '' : '{{ end }}'}`;
  }

  #read(index: number): string {
    const ref = this.#refs[index];
    if (!ref) throw new Error(`no opaque value ${index}`);
    return readRef(ref);
  }
}

const isLong = (parts: readonly TextPart[]): boolean =>
  parts.some(({ piece }, index) => typeof piece === 'string' && piece.endsWith('\n') && index < parts.length - 1);

const bracketed = (text: string): string => (/^(\.[.\w]+|"[^"]*")$/.test(text) ? text : `(${text})`);

const unbracketed = (text: string): string => (/^\((?:int64|include|print) /.test(text) ? text.slice(1, -1) : text);

const word = (index: number, count: number, variable: Variable, choice: Choice): string => {
  if (index === 0) return `if ${ask(variable, choice)}`;
  return index === count - 1 ? 'else' : `else if ${ask(variable, choice)}`;
};

/** Neighbours under the same condition stand under it together. */
function guarded(blocks: readonly { when: When; lines: readonly string[] }[], indent: string): string[] {
  const lines: string[] = [];
  let open: string | null = null;
  for (const { when, lines: inner } of blocks) {
    const wanted = when ? condition(when, ask) : null;
    if (wanted !== open && open !== null) lines.push(`${indent}{{- end }}`);
    if (wanted !== open && wanted !== null) lines.push(`${indent}{{- if ${wanted} }}`);
    lines.push(...inner);
    open = wanted;
  }
  return open === null ? lines : [...lines, `${indent}{{- end }}`];
}

/** Bare where YAML reads it as the text that it is. */
function plain(text: string): string {
  return /^[A-Za-z][A-Za-z0-9._/-]*$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text)
    ? text
    : escapeText(literal(text));
}
