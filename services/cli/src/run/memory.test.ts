/** A role takes little memory, also where a container starts it and says nothing about Node. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isLimited, MEMORY_LIMITS, withMallocLimits } from './memory.ts';

describe('limits that a user gave count', () => {
  test.each([
    [[], undefined, false],
    [[], '', false],
    [['--cpu-prof'], '--enable-source-maps', false],
    [MEMORY_LIMITS, undefined, true],
    [[], '--enable-source-maps --max-old-space-size=1024', true],
    [[], '--max_semi_space_size=64', true],
    [['--max-old-space-size-percentage=50'], undefined, true],
  ])('%j with NODE_OPTIONS %j: %j', (nodeArguments, nodeOptions, limited) => {
    expect(isLimited(nodeArguments, nodeOptions)).toBe(limited);
  });
});

test('what a user has set for malloc counts', () => {
  expect(withMallocLimits({ A: '1', MALLOC_ARENA_MAX: '4' })).toMatchObject({ A: '1', MALLOC_ARENA_MAX: '4' });
  expect(withMallocLimits({}).MALLOC_ARENA_MAX).toBe('1');
});

test('a role that is started with no limits has them, and its own words', async () => {
  const memory = fileURLToPath(new URL('./memory.ts', import.meta.url));
  const script = `import { limitMemory } from ${JSON.stringify(memory)};
    limitMemory();
    console.log(JSON.stringify([process.execArgv, process.env.MALLOC_ARENA_MAX, process.argv.slice(2)]));`;
  const { NODE_OPTIONS: _, MALLOC_ARENA_MAX: __, ...env } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'millrace-memory-'));
  const file = join(folder, 'role.mjs');
  writeFileSync(file, script);
  const { stdout } = await promisify(execFile)(process.execPath, [file, 'run', '--role', 'sink'], { env });
  rmSync(folder, { recursive: true });
  expect(JSON.parse(stdout)).toEqual([[...MEMORY_LIMITS], '1', ['run', '--role', 'sink']]);
});
