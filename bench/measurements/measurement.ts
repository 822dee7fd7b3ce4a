/** What a measurement is: one file beside this one, and a line in `index.ts`. */
import type { Outcome } from '../report/outcome.ts';
import type { Backlog } from '../run/backlog.ts';
import type { RoleName } from '../run/roleProcess.ts';
import type { Servers } from '../run/servers.ts';
import type { Size } from '../sizes.ts';

export interface Bench {
  servers: Servers;
  size: Size;
  /** Whether peers that must be fetched first are measured as well. */
  peers: boolean;
  /** The backlog that measurements share, ready for this role: those before it have run. */
  backlog(readyFor: RoleName): Promise<Backlog>;
  /** Progress that a person waits for. */
  say(line: string): void;
}

export type Measurement = (bench: Bench) => Promise<Outcome>;
