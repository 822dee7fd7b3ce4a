/** What topics and tables held when a run went wrong: the servers and their data are gone after it. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Platform } from './platform.ts';

/** Writes every topic, the Pipeline's rows, positions and ledger as lines of JSON beside the logs. */
export async function keepEvidence({ loaded, kafka, database, folder }: Platform): Promise<void> {
  const { raw, processed, dlq } = namesOf(loaded.pipeline);
  for (const topic of [raw, processed, dlq]) {
    await writeLines(join(folder, `${topic}.jsonl`), recordsOf(kafka, topic));
  }
  for (const table of [`"default"."${loaded.pipeline.spec.table.name}"`, 'millrace.positions', 'millrace.ledger']) {
    const { rows } = await database.query(`select * from ${table}`);
    await writeLines(join(folder, `${table.replaceAll('"', '')}.jsonl`), rows);
  }
}

async function* recordsOf(kafka: Platform['kafka'], topic: string): AsyncIterable<unknown> {
  for (const [partition, { start, end }] of (await kafka.bounds(topic)).entries()) {
    for await (const { offset, timestampMs, value, headers } of kafka.range(topic, partition, start, end)) {
      const shown = Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, header.toString()]));
      yield { partition, offset, timestampMs, headers: shown, value: value?.toString() ?? null };
    }
  }
}

async function writeLines(file: string, lines: AsyncIterable<unknown> | Iterable<unknown>): Promise<void> {
  const to = createWriteStream(file);
  for await (const line of lines) if (!to.write(`${JSON.stringify(line)}\n`)) await once(to, 'drain');
  to.end();
  await once(to, 'finish');
}
