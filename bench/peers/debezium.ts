/**
 * Kafka Connect with Debezium's JDBC sink (insert mode) on the very same processed topic, into the table that Millrace's
 * set-up makes. The topic holds plain JSON: the worker's JsonConverter gets the schema from its configuration
 * (`schema.content`), so that nothing is converted for it and no schema travels with each record.
 *
 * Chosen in its favour: batches of 3,000 and as many records per poll, `reWriteBatchedInserts`, as many tasks as the sink
 * stores partitions at a time. Fetched by Maven when first asked for; jars that are not on the lists here are not used.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type ColumnType, columnsOf } from '@millrace/core/table/columns.ts';
import { millraceHome } from '@millrace/embedded/home.ts';
import { findJava } from '@millrace/embedded/java.ts';
import { ensureJars, kafkaSources } from '@millrace/embedded/kafkaJars.ts';
import { freePorts } from '@millrace/embedded/ports.ts';
import type { Bench } from '../measurements/measurement.ts';
import { type Backlog, mustHold, type RoleRun } from '../run/backlog.ts';
import { startProcess } from '../run/roleProcess.ts';
import { cpuSecondsPerMillion, rowsPerSecond } from '../run/steady.ts';
import { watch } from '../run/watch.ts';

const TASKS = 4;
const BATCH_ROWS = 3_000;
const HEAP_MEGABYTES = 512;

/** One run over the whole backlog, into a database of its own. */
export async function measureDebezium(bench: Bench, backlog: Backlog, round: number): Promise<RoleRun> {
  const { servers, say } = bench;
  const { pipelines, records, folder } = backlog;
  const [loaded] = pipelines;
  if (loaded === undefined) throw new Error('the backlog has no Pipeline');
  const name = `bench-debezium-${round}`;
  const [worker, plugin, java, [port = 0]] = [
    await jars('connect', say),
    await jars('debezium', say),
    await findJava(),
    await freePorts(1),
  ];
  const database = await servers.database(pipelines);
  const workerFile = join(folder, `${name}.worker.properties`);
  const connectorFile = join(folder, `${name}.properties`);
  const settings = { brokers: servers.brokers, plugins: dirname(plugin), port, offsets: join(folder, `${name}.offsets`) };
  writeFileSync(workerFile, properties(workerSettings(settings)));
  writeFileSync(connectorFile, properties(connectorSettings(name, loaded.pipeline, database.url)), { mode: 0o600 });
  const args = [
    `-Xmx${HEAP_MEGABYTES}m`,
    `-Dlog4j2.configurationFile=${join(kafkaSources, 'log4j2.properties')}`,
    `-Dmillrace.log.file=${join(folder, `${name}.connect.log`)}`,
    ...['-cp', `${worker}/*`, 'org.apache.kafka.connect.cli.ConnectStandalone', workerFile, connectorFile],
  ];
  const connect = startProcess(name, java.command, args, { folder, env: process.env });
  try {
    let before = -1;
    const looks = await watch(connect, records, async () => {
      const { schema, table } = namesOf(loaded.pipeline);
      const rows = Number((await database.pool.query(`SELECT count(*) AS n FROM "${schema}"."${table}"`)).rows[0].n);
      if (rows === before) await mustBeRunning(name, port);
      before = rows;
      return rows;
    });
    const { peakMebibytes } = connect.usage();
    await mustHold(database, pipelines, records);
    return { rowsPerSecond: rowsPerSecond(looks), cpuSecondsPerMillion: cpuSecondsPerMillion(looks), peakMebibytes, looks };
  } finally {
    await connect.stop();
    await database.drop();
  }
}

/** A worker goes on without its failed tasks, and says nothing: 0 rows per second would look like a measurement. */
async function mustBeRunning(connector: string, port: number): Promise<void> {
  let answer: { tasks: { state: string; trace?: string }[] };
  try {
    const response = await fetch(`http://127.0.0.1:${port}/connectors/${connector}/status`, {
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) return; // not configured yet
    answer = (await response.json()) as typeof answer;
  } catch {
    return; // the worker is starting; when it ends, the watch sees that
  }
  const failed = answer.tasks.find(({ state }) => state === 'FAILED');
  if (failed !== undefined) throw new Error(`a task of ${connector} failed: ${failed.trace?.slice(0, 2_000)}`);
}

function jars(which: 'connect' | 'debezium', say: (line: string) => void): Promise<string> {
  const sources = join(import.meta.dirname, which);
  const checksums = readFileSync(join(sources, 'jars.sha256'), 'utf8');
  const name = `the jars of ${which === 'connect' ? 'Kafka Connect (36 MB' : "Debezium's JDBC sink (29 MB"}, only once)`;
  return ensureJars({ folder: join(millraceHome(), 'bench', which), sources, checksums, name, say });
}

function workerSettings(of: {
  brokers: readonly string[];
  plugins: string;
  port: number;
  offsets: string;
}): Record<string, string> {
  return {
    'bootstrap.servers': of.brokers.join(','),
    'plugin.path': of.plugins,
    'plugin.discovery': 'service_load',
    'offset.storage.file.filename': of.offsets,
    listeners: `http://127.0.0.1:${of.port}`,
    'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  };
}

function connectorSettings(name: string, pipeline: Pipeline, databaseUrl: string): Record<string, string> {
  const { processed, schema, table } = namesOf(pipeline);
  const { host, username, password, pathname } = new URL(databaseUrl);
  return {
    name,
    'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
    'tasks.max': String(TASKS),
    topics: processed,
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'true',
    'value.converter.schema.content': JSON.stringify(schemaOf(pipeline)),
    'consumer.override.max.poll.records': String(BATCH_ROWS),
    'connection.url': `jdbc:postgresql://${host}${pathname}?reWriteBatchedInserts=true`,
    'connection.username': username,
    'connection.password': password,
    'collection.name.format': `${schema}.${table}`,
    'quote.identifiers': 'true',
    'insert.mode': 'insert',
    'primary.key.mode': 'none',
    'schema.evolution': 'none',
    'batch.size': String(BATCH_ROWS),
  };
}

const CONNECT_TYPES: Readonly<Record<ColumnType, { type: string; name?: string }>> = {
  time: { type: 'string', name: 'io.debezium.time.ZonedTimestamp' },
  text: { type: 'string' },
  float: { type: 'double' },
  int: { type: 'int64' },
  bool: { type: 'boolean' },
  json: { type: 'string', name: 'io.debezium.data.Json' },
};

/** The schema of processed records as the JsonConverter reads it (connect-json's own format). */
export function schemaOf(pipeline: Pipeline): object {
  const fields = columnsOf(pipeline).map(({ name, type, required }) => ({
    field: name,
    optional: !required,
    ...CONNECT_TYPES[type],
  }));
  return { type: 'struct', optional: false, fields };
}

/** java.util.Properties: a backslash escapes. */
function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
