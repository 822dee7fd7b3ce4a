/**
 * A producer as a process of its own, for tests that kill it: `run.ts <pipeline as JSON> <folder> <broker>…`; HTTP_PORT for a source of
 * HTTP, ORDINAL for one of MQTT that looks at once for sessions of producers that are no more.
 */
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { createLog } from '@millrace/core/log.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { Registry } from 'prom-client';
import { sourceOf } from '../sources/index.ts';
import { mqttSource } from '../sources/mqtt.ts';

const [text = '{}', baseFolder = '.', ...brokers] = process.argv.slice(2);
const pipeline = JSON.parse(text) as Pipeline;
const { HTTP_PORT, ORDINAL } = process.env;
const log = createLog('producer');
const kafka = connectKafka({ brokers, clientId: 'test', log });
const http = { host: '127.0.0.1', port: Number(HTTP_PORT ?? 0), secrets: null };
const context = { kafka, log, metrics: new Registry(), baseFolder, http };
if (ORDINAL === undefined) await sourceOf(pipeline.spec.source).start(pipeline, context);
else
  await mqttSource({ first: 0, again: 200, rest: 3_600_000, quiet: 200 }).start(pipeline, {
    ...context,
    ordinal: Number(ORDINAL),
  });
