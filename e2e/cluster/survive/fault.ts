/** What a kind of fault is. Each is a file of its own in `faults/`, and a line in `table.ts`. */
import type { Random } from '../../faults/random.ts';
import type { World } from './world.ts';

export interface Fault {
  name: string;
  /** One of each kind comes before the others of it, so that a slow machine sees them all. */
  kind: string;
  /** What is missing for it in this cluster, as a person would say it; null: nothing. */
  lacks: string | null;
  /**
   * Does it, while rows flow. Resolves with what was done when the cluster shows that it happened: that all is ready again,
   * and rows flow, is awaited by who calls.
   * @throws Error when it could not be done: a fault that did not happen proves nothing
   */
  happen(world: World, random: Random): Promise<string>;
}
