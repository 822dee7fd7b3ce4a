/** A spec that is made to take a role's memory is refused before it does, at the place that is too much. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument, stringify, visit } from 'yaml';
import { excessOf, MAX_LEVELS, MAX_TOKENS } from './yamlSize.ts';

const MEBIBYTE = 1_048_576;
const filled = (text: string, bytes = MEBIBYTE): string => text.repeat(Math.floor(bytes / text.length));
const indented = (levels: number): string => Array.from({ length: levels }, (_, at) => `${' '.repeat(at)}a:\n`).join('');
const laughs = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
for (let at = 1; at <= 30; at++) laughs.push(`a${at}: &a${at} [${Array.from({ length: 9 }, () => `*a${at - 1}`).join(',')}]`);

/** What happens to a spec is told by a process of its own, with the memory of a role. */
const LOAD = `
  const { parsePipelines } = await import(${JSON.stringify(new URL('./load.ts', import.meta.url))});
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const { maxRSS: before } = process.resourceUsage();
  try {
    parsePipelines(text, 'p.yaml');
  } catch (error) {
    const { message, allowed } = error.problems[0];
    const grewMiB = (process.resourceUsage().maxRSS - before) / 1024;
    process.stdout.write(JSON.stringify({ message, allowed, grewMiB }));
  }`;
const LIMITS = ['--max-semi-space-size=8', '--max-old-space-size=192'];
/** A role has 120 MiB when it begins to read its Pipelines, and may have 250. */
const MOST_MEBIBYTES = 130;

async function load(text: string): Promise<{ message: string; allowed: string; grewMiB: number }> {
  const started = promisify(execFile)(process.execPath, [...LIMITS, '--input-type=module', '-e', LOAD], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  started.child.stdin?.end(text);
  return JSON.parse((await started).stdout);
}

describe('a file of at most a megabyte takes no role beyond its memory', () => {
  test.each<[string, string, RegExp, string]>([
    ['a million brackets that close', filled(']'), /holds too much/, 'at most 200000, or several files'],
    ['as many as are allowed', filled(']', MAX_TOKENS), /Unexpected/, 'YAML 1.2 or JSON'],
    ['a million brackets that open', filled('['), /nested too deep/, 'at most 100 levels'],
    ['half a million numbers', `[${filled('1,')}`.slice(0, MEBIBYTE), /holds too much/, 'at most 200000, or several files'],
    ['half a million quotes', filled('""'), /holds too much/, 'at most 200000, or several files'],
    [
      'a list of as much as is allowed',
      filled('- 1\n', MAX_TOKENS),
      /wrong type/,
      'an object of apiVersion, kind, metadata, spec, status',
    ],
    ['directives', filled('%A\n'), /holds too much/, 'at most 200000, or several files'],
    ['lists in a line', filled('- '), /nested too deep/, 'at most 100 levels'],
    ['a thousand indented maps', indented(1_400), /nested too deep/, 'at most 100 levels'],
    ['a billion laughs', laughs.join('\n'), /alias count/, 'at most 100 uses of anchors'],
    ['aliases', `- &a 1\n${filled('- *a\n', MAX_TOKENS - 20)}`, /alias count/, 'at most 100 uses of anchors'],
  ])('%s', { timeout: 120_000 }, async (_what, text, message, allowed) => {
    const problem = await load(text);
    expect(problem.message).toMatch(message);
    expect(problem.allowed).toBe(allowed);
    expect(problem.grewMiB).toBeLessThan(MOST_MEBIBYTES);
  });
});

test('the place is where it becomes too much', () => {
  expect(excessOf('['.repeat(200))?.offset).toBe(MAX_LEVELS);
  expect(excessOf(`a: 1\n${'- '.repeat(200)}`)?.offset).toBe(5 + 2 * MAX_LEVELS);
  expect(excessOf('a: 1\n'.repeat(MAX_TOKENS))?.offset).toBe(MAX_TOKENS);
  expect(excessOf(indented(200))?.offset).toBe(indented(MAX_LEVELS).length + MAX_LEVELS);
});

test('what is wide and not deep is not called deep, whatever stands in it', () => {
  const leaf = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\n', ' ', '[', '-', ':', 'a', '"') }), fc.integer());
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 8 },
      leaf,
      fc.dictionary(fc.string(), tie('tree'), { maxKeys: 5 }),
      fc.array(tie('tree'), { maxLength: 5 }),
    ),
  }));
  fc.assert(
    fc.property(
      tree,
      fc.constantFrom('BLOCK_LITERAL', 'PLAIN', 'QUOTE_DOUBLE'),
      fc.boolean(),
      (value, defaultStringType, isFlow) => {
        const once = stringify(
          Array.from({ length: 40 }, () => value),
          { defaultStringType, ...(isFlow && { collectionStyle: 'flow' }) },
        );
        let deepest = 0;
        visit(parseDocument(once), (_key, _node, path) => {
          deepest = Math.max(deepest, path.length);
        });
        expect(deepest).toBeLessThan(MAX_LEVELS);
        expect(excessOf(once)).toBe(null);
      },
    ),
  );
});

test('300 Pipelines in a file are not too much', () => {
  const text = JSON.stringify(
    { a: Array.from({ length: 12 }, (_, n) => ({ type: 'float', from: [`a${n}`, `b${n}`], min: 0, max: n })) },
    null,
    2,
  );
  expect(excessOf(Array.from({ length: 300 }, () => text).join('\n---\n'))).toBe(null);
});
