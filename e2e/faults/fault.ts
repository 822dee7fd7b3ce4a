/** What a kind of fault is. Each is a file of its own beside this one, and a line in `table.ts`. */
import type { Platform } from '../platform.ts';
import type { Random } from './random.ts';

export interface Fault {
  name: string;
  /** What it is done to. Two faults with the same target are never done at the same time. */
  target: 'producer' | 'processor' | 'sink' | 'brokers' | 'database' | 'kafka answers' | 'postgres answers' | 'network' | 'clock';
  /** What is missing for it on this platform, as a person would say it; null: nothing. */
  lacks(platform: Platform): string | null;
  /**
   * Does it, while rows flow, and undoes it where it does not pass by itself. Resolves with what was done, for the log, when
   * the next fault of this target may come; the roles may still be recovering then.
   * @throws Error when it could not be done: a fault that did not happen proves nothing
   */
  happen(platform: Platform, random: Random): Promise<string>;
}

export const nothing = (): null => null;

export const lacksProxies = ({ proxies }: Platform): string | null => (proxies === null ? 'a platform with proxies' : null);
