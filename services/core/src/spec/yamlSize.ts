/**
 * What a YAML text holds too much of, seen by its lexer alone: the parser makes half a kilobyte of each token, more of a wrong
 * one, and is recursive.
 *
 * Invariant: takes memory for one token and one level of nesting at a time, and time linear in the text, whatever is in it.
 */
import { CST, Lexer } from 'yaml';

/** So many have 300 Pipelines. */
export const MAX_TOKENS = 200_000;
/** A Pipeline has ten. */
export const MAX_LEVELS = 100;

export interface Excess {
  message: string;
  found: string;
  allowed: string;
  /** In characters. */
  offset: number;
}

/** The first place with too much; null: none. */
export function excessOf(text: string): Excess | null {
  const nesting = new Nesting();
  let offset = 0;
  let tokens = 0;
  let isText = false;
  for (const token of new Lexer().lex(text)) {
    const type: CST.TokenType | null = isText ? null : CST.tokenType(token);
    isText = type === 'scalar';
    if (type === 'doc-mode' || type === 'flow-error-end' || type === 'scalar') continue; // marks of the lexer, not of the text
    if (++tokens > MAX_TOKENS) {
      const allowed = `at most ${MAX_TOKENS}, or several files`;
      return { message: 'the file holds too much', found: `more than ${MAX_TOKENS} words and signs`, allowed, offset };
    }
    if (nesting.after(type, token) > MAX_LEVELS) {
      const allowed = `at most ${MAX_LEVELS} levels`;
      return { message: 'lists or objects are nested too deep', found: `more than ${MAX_LEVELS} levels`, allowed, offset };
    }
    offset += token.length;
  }
  return null;
}

/** How deep the text is nested: by the columns at which values begin, and by brackets. */
class Nesting {
  #brackets = 0;
  /** Of the values around the brackets, each further right than the one before. */
  readonly #columns: number[] = [];
  #column = 0;
  /** Whether a value begins with what comes: at the start of a line, or behind `-`, `?` or `:`. */
  #begins = true;
  /** Whether the lines of a text (`|`, `>`) come. */
  #isBlockText = false;

  /** Levels around a token, or opened by it. @param type null: text */
  after(type: CST.TokenType | null, token: string): number {
    if (type === 'newline') {
      this.#column = 0;
      this.#begins = !this.#isBlockText;
    } else if (type === 'space' || type === 'comment') this.#column += token.length;
    else {
      if (this.#begins && this.#brackets === 0) this.#begin();
      if (type === 'flow-seq-start' || type === 'flow-map-start') this.#brackets++;
      else if (type === 'flow-seq-end' || type === 'flow-map-end') this.#brackets = Math.max(0, this.#brackets - 1);
      const line = token.lastIndexOf('\n');
      this.#column = line === -1 ? this.#column + token.length : token.length - line - 1;
      this.#begins = line !== -1 || type === 'seq-item-ind' || type === 'explicit-key-ind' || type === 'map-value-ind';
      this.#isBlockText = type === 'block-scalar-header';
    }
    return this.#columns.length + Math.max(0, this.#brackets - 1); // the first bracket begins a value itself
  }

  #begin(): void {
    while ((this.#columns.at(-1) ?? -1) >= this.#column) this.#columns.pop();
    this.#columns.push(this.#column);
  }
}
