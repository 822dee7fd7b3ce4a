/** All that is asked before anything is applied: a check is one file beside this one, and one line in the table. */
import { Refused } from '../refused.ts';
import type { Candidate, Check } from './check.ts';
import { dryRun } from './dryRun.ts';
import { given } from './given.ts';
import { installed } from './installed.ts';
import { memory } from './memory.ts';
import { operators } from './operators.ts';
import { rights } from './rights.ts';
import { room } from './room.ts';

/** In rounds: what one finds makes the questions of the next ones idle. */
const ROUNDS: readonly (readonly Check[])[] = [[rights, operators], [memory, given, installed, room], [dryRun]];

/** @throws Refused with all that is wrong; nothing is changed by asking */
export async function preflight(candidate: Candidate): Promise<void> {
  for (const checks of ROUNDS) {
    const problems: string[] = [];
    for (const check of checks) problems.push(...(await check(candidate)));
    if (problems.length > 0) throw new Refused(problems);
  }
}
