import { guardTest } from '@millrace/core/testing/guardTest.ts';
import { afterAll, beforeAll } from 'vitest';
import { SCENARIOS } from './scenarios/index.ts';
import { startWorld, type World } from './scenarios/world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
}, 180_000);
afterAll(async () => {
  await world?.stop();
});

let runs = 0;
for (const [file, { fear, run, right, without }] of Object.entries(SCENARIOS))
  guardTest(fear, { scenario: () => run(world, `${file.toLowerCase()}-${runs++}`), right, without });
