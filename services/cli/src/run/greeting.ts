/** What `millrace run` says before it begins: where everything is; pure. */
import { quote } from '@millrace/core/database/identifier.ts';
import type { LoadedPipeline } from '@millrace/core/spec/load.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { pathsOf } from '@millrace/producer/http/paths.ts';
import { many } from '../text.ts';
import type { Platform } from './platform.ts';
import type { RunningRole } from './roles.ts';

/**
 * @param folder of data and logs, as the user wrote it
 * @param once servers of its own end with the run: an address would be one that nobody answers at
 */
export function greeting(
  pipelines: readonly LoadedPipeline[],
  { addresses, embedded }: Pick<Platform, 'addresses' | 'embedded'>,
  roles: readonly Pick<RunningRole, 'name' | 'port'>[],
  folder: string,
  once: boolean,
): string[] {
  const started = (own: boolean): string => (own ? ' (started for this run)' : '');
  const url = new URL(addresses.database.url);
  // The password of one's own throw-away server helps; a user's own stays where it is, and psql asks for it.
  if (!embedded.database) url.password = '';
  const [first] = pipelines;
  const { schema, table } = first ? namesOf(first.pipeline) : { schema: '', table: '' };
  return [
    `${many(pipelines.length, 'Pipeline')}: ${pipelines.map(({ pipeline }) => namesOf(pipeline).pipeline).join(', ')}`,
    `Kafka       ${addresses.kafka.brokers.join(',')}${started(embedded.kafka)}`,
    `PostgreSQL  ${url.host}${url.pathname}${started(embedded.database)}`,
    once && embedded.database
      ? `to look     the tables stay in ${folder}: run the same without --once, and it says how`
      : `to look     psql '${url.href}' -c 'SELECT * FROM ${quote(schema)}.${quote(table)} LIMIT 5'`,
    ...roles.map(
      ({ name, port }) => `${name.padEnd(10)}  http://127.0.0.1:${port}/readyz and /metrics, log ${folder}/logs/${name}.log`,
    ),
  ];
}

/** Where devices send to, by Pipeline. */
export function httpLines(pipelines: readonly LoadedPipeline[], url: string): string[] {
  return pipelines.flatMap(({ pipeline }) => {
    const { auth } = pipeline.spec.source.http ?? {};
    if (!auth) return [];
    const who = auth.secretRef ? `with a token of the Secret ${auth.secretRef.name}` : 'open to everybody';
    return [
      `HTTP        ${pathsOf(pipeline)
        .map((path) => `${url}${path}`)
        .join(', ')} (${who}); ${url}/ says what is taken`,
    ];
  });
}

/** Which brokers messages come from, by Pipeline. @param own what was started for this run; null: nothing was */
export function mqttLines(pipelines: readonly LoadedPipeline[], own: Platform['mqttBroker']): string[] {
  return pipelines.flatMap(({ pipeline }) => {
    const { mqtt } = pipeline.spec.source;
    if (!mqtt) return [];
    return [
      `MQTT        ${mqtt.url}${mqtt.url === own?.url ? ` (${own?.kind}, started for this run)` : ''}: ${mqtt.topics.join(', ')}`,
    ];
  });
}
