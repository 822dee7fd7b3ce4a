/**
 * `make soak N=200`: rounds of eachRowOnce.test.ts, each with a seed of its own, until so many faults are done. A wrong round
 * does not end it; the exit code and the last lines name the seeds of all wrong ones. What a round said and, of a wrong one,
 * its roles' logs stay in a folder.
 */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createWriteStream, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TEST = 'e2e/eachRowOnce.test.ts';

interface Round {
  seed: number;
  faults: number;
  rows: number;
  /** All its faults were done. */
  attacked: boolean;
  right: boolean;
  /** What the round said. */
  file: string;
}

const wanted = Number(process.argv[2] ?? 200);
if (!Number.isSafeInteger(wanted) || wanted < 1) {
  console.error(`make soak N=${process.argv[2]}: N is the number of faults, a whole number from 1`);
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), 'millrace-soak-'));
const startedAt = performance.now();
const rounds: Round[] = [];
console.log(`soak: ${wanted} faults; what each round says is in ${folder}`);
for (let done = 0; done < wanted; ) {
  const round = await runRound(randomInt(2 ** 31 - 1));
  rounds.push(round);
  done += round.faults;
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  const said = round.right ? 'right' : `${round.attacked ? 'WRONG' : 'BROKEN OFF, a fault could not be done'}, see ${round.file}`;
  console.log(
    `round ${rounds.length}  seed ${round.seed}  ${round.faults} faults  ${round.rows} rows  ${said}  (${done}/${wanted} after ${minutes} min)`,
  );
  if (round.faults === 0) {
    console.log('soak: no fault was done in this round, so that more rounds would not end: giving up');
    break;
  }
}
const wrong = rounds.filter(({ right }) => !right);
const faults = rounds.reduce((sum, round) => sum + round.faults, 0);
console.log(
  `soak: ${faults} faults in ${rounds.length} rounds, ${wrong.length} wrong; seeds ${rounds.map(({ seed }) => seed).join(', ')}`,
);
for (const { seed, file } of wrong) console.log(`wrong: seed ${seed}, again by: SEED=${seed} npx vitest run ${TEST}; ${file}`);
process.exitCode = wrong.length === 0 ? 0 : 1;

function runRound(seed: number): Promise<Round> {
  const file = join(folder, `${seed}.log`);
  const log = createWriteStream(file);
  const words = ['run', TEST, '--disable-console-intercept', '--reporter=default'];
  const round = spawn('vitest', words, { env: { ...process.env, SEED: String(seed) }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [round.stdout, round.stderr]) {
    stream.pipe(log, { end: false });
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return new Promise((resolve, reject) => {
    round.once('error', (cause) => reject(new Error(`vitest does not start: ${cause.message}; run it by make soak`, { cause })));
    round.once('close', (code) => {
      log.end();
      const faults = said.match(/^ +[\d.]+ s {4}done /gm)?.length ?? 0;
      const rows = Number(/(\d+) rows right$/m.exec(said)?.[1] ?? 0);
      resolve({ seed, faults, rows, attacked: said.includes('all faults done'), right: code === 0, file });
    });
  });
}
