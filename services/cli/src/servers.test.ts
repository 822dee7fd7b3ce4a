import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { environmentOf, kafkaOf, type ServerOptions } from './servers.ts';
import { UsageError } from './usage.ts';

let folder: string;
let pem: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-servers-'));
  pem = join(folder, 'ca.pem');
  writeFileSync(pem, 'a certificate');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = (more: Partial<ServerOptions>): ServerOptions => ({ data: folder, kafka: 'a:9092, [::1]:9093', ...more });

test('brokers, TLS and login as the options say', () => {
  const brokers = ['a:9092', '[::1]:9093'];
  expect(kafkaOf({ data: folder })).toBeNull();
  expect(kafkaOf(options({}))).toEqual({ brokers });
  expect(kafkaOf(options({ kafkaTls: true }))).toEqual({ brokers, tls: {} });
  expect(kafkaOf(options({ kafkaCa: pem, kafkaCert: pem, kafkaKey: pem }))).toEqual({
    brokers,
    tls: { ca: 'a certificate', cert: 'a certificate', key: 'a certificate' },
  });
  const login = options({ kafkaUser: 'u', kafkaSasl: 'PLAIN' });
  expect(kafkaOf(login, { MILLRACE_KAFKA_PASSWORD: 'p' })).toEqual({
    brokers,
    sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' },
  });
});

test.each<[string, Partial<ServerOptions>, RegExp]>([
  ['a certificate without its key', { kafkaCert: 'c' }, /--kafka-cert and --kafka-key go together/],
  ['a file that is not there', { kafkaCa: '/nowhere.pem' }, /--kafka-ca \/nowhere\.pem: .*no such file/],
  ['an address with a scheme', { kafka: 'kafka://a:1' }, /allowed is host:port/],
  ['an empty address', { kafka: 'a:1,' }, /names ""; allowed is host:port/],
])('%s is refused', (_, more, expected) => {
  expect(() => kafkaOf(options(more), {})).toThrow(UsageError);
  expect(() => kafkaOf(options(more), {})).toThrow(expected);
});

test('a role gets the same servers by its environment, and no password by its command line', () => {
  const given = options({ kafkaUser: 'u', kafkaCa: pem });
  const env = environmentOf({ kafka: { brokers: ['a:1', 'b:2'] }, databaseUrl: 'postgres://u:p@h/d' }, given);
  expect(env).toMatchObject({
    MILLRACE_KAFKA: 'a:1,b:2',
    MILLRACE_DATABASE: 'postgres://u:p@h/d',
    MILLRACE_KAFKA_CA: pem,
    MILLRACE_KAFKA_USER: 'u',
  });
  expect(env.MILLRACE_KAFKA_TLS).toBeUndefined();
});
