/** A producer as a process of its own, for tests that kill it: `run.ts <pipeline as JSON> <folder> <broker>…`; HTTP_PORT for a source of HTTP. */
import { connectKafka } from '@millrace/core/kafka/connect.ts';
import { createLog } from '@millrace/core/log.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { Registry } from 'prom-client';
import { producer } from '../role.ts';

const [pipeline = '{}', baseFolder = '.', ...brokers] = process.argv.slice(2);
const log = createLog('producer');
const kafka = connectKafka({ brokers, clientId: 'test', log });
const http = { host: '127.0.0.1', port: Number(process.env.HTTP_PORT ?? 0), secrets: null };
if (producer.needsDatabase) throw new Error('a producer has no database');
await producer.start(JSON.parse(pipeline) as Pipeline, { kafka, log, metrics: new Registry(), baseFolder, http });
