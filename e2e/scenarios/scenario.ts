import type { Guard } from '@millrace/core/guards.ts';
import type { World } from './world.ts';

/** Something that users fear, done on purpose. Run with all guards and with each of its guards taken out. */
export interface Scenario {
  fear: string;
  /** What this machine lacks for it; null: nothing. */
  lacks?(world: World): string | null;
  /** @param name of the Pipeline, another one for each run */
  run(world: World, name: string): Promise<unknown>;
  right: unknown;
  /** By guard: how it comes out without it; may hold asymmetric matchers. */
  without: Partial<Record<Guard, unknown>>;
}
