/** A role takes little memory, also where a container starts it and says nothing about Node. */
import { describe, expect, test } from 'vitest';
import { isLimited, MEMORY_LIMITS } from './memory.ts';

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
