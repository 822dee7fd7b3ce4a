import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { afterAll, beforeAll } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { startWorld, type World } from './scenarios/world.ts';

let world: World;
let runs = 0;

beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world?.stop();
});

for (const [name, { fear, lacks, run, right, without }] of Object.entries(SCENARIOS))
  guardTest(fear, {
    scenario: () => run(world, `${name.toLowerCase()}-${runs++}`),
    right,
    without,
    lacks: () => lacks?.(world) ?? null,
  });
