/**
 * A process that adds 1 to the number in a file, `rounds` times, each under a claim and by reading, waiting and writing;
 * it is killed, claim in hand, after the last: `node claimant.ts FOLDER ROUNDS`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { waitForClaim } from '../claim.ts';

const [folder = '', rounds = ''] = process.argv.slice(2);
const counter = join(folder, 'counter');
for (let round = 1; ; round += 1) {
  const release = await waitForClaim(join(folder, 'claim'), 60_000, () => undefined, 1);
  const seen = Number(readFileSync(counter, 'utf8'));
  await delay(1);
  writeFileSync(counter, String(seen + 1));
  if (round === Number(rounds)) process.kill(process.pid, 'SIGKILL');
  release();
}
