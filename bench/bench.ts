/**
 * `make bench`: measures, prints a table with what is required beside each figure, and writes the results with the machine
 * as JSON and the plots as SVG into `bench/results`. From the environment:
 *
 *     ONLY=writer,latency   only these measurements
 *     ROWS=1000000          of the shared backlog
 *     FULL=1                the whole of every ladder (hours)
 *     PEERS=1               Kafka Connect with Debezium's JDBC sink as well; fetched when first asked for
 *     REFERENCE=1           into bench/results/reference.json and docs/images, which are committed
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MEASUREMENT_NAMES, MEASUREMENTS } from './measurements/index.ts';
import { readOptions } from './options.ts';
import { chart } from './report/chart.ts';
import { tableLines, verdict } from './report/table.ts';
import { runBench } from './run/run.ts';

const RESULTS = join(import.meta.dirname, 'results');
const IMAGES = join(import.meta.dirname, '../docs/images');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`ended by ${signal}`)));

try {
  const { only, size, peers, reference } = readOptions(process.env, MEASUREMENT_NAMES);
  const measurements = Object.fromEntries(only.map((name) => [name, MEASUREMENTS[name as keyof typeof MEASUREMENTS]]));
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const results = await runBench({ measurements, size, peers, say, signal: stop.signal });
  const { machine, outcomes, seconds, at } = results;

  const out = (line = ''): void => void process.stdout.write(`${line}\n`);
  out();
  for (const line of tableLines(outcomes)) out(line);
  out();
  for (const [name, { notes }] of Object.entries(outcomes)) for (const note of notes) out(`${name}: ${note}`);
  out();
  const { cpu, cores, memoryGibibytes, node, kafka, postgresql, loadBefore } = machine;
  out(
    `${cpu}, ${cores} cores, ${memoryGibibytes} GiB; Node ${node}, Kafka ${kafka}, PostgreSQL ${postgresql}; load before ${loadBefore}`,
  );
  mkdirSync(RESULTS, { recursive: true });
  const stem = reference ? 'reference' : at.replaceAll(':', '-').slice(0, 19);
  const images = reference ? IMAGES : RESULTS;
  mkdirSync(images, { recursive: true });
  writeFileSync(join(RESULTS, `${stem}.json`), `${JSON.stringify(results, null, 1)}\n`);
  for (const plot of Object.values(outcomes).flatMap(({ plots }) => plots))
    writeFileSync(join(images, reference ? `${plot.name}.svg` : `${stem}.${plot.name}.svg`), chart(plot));
  out(`${verdict(outcomes)}; ${seconds} s; ${join(RESULTS, `${stem}.json`)}`);
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1); // what was being measured may wait for servers that are gone
}
