import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { UsageError } from '../usage.ts';
import { kafkaOf } from './kafka.ts';
import type { ServerOptions } from './options.ts';

const PEM = '-----BEGIN CERTIFICATE-----\n';
let folder: string;
let pem: string;
let secret: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-servers-'));
  pem = join(folder, 'ca.pem');
  writeFileSync(pem, PEM);
  secret = join(folder, 'password');
  writeFileSync(secret, 'geheim\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options = (more: Partial<ServerOptions>): ServerOptions => ({ data: folder, kafka: 'a:9092, [::1]:9093', ...more });

/** What a connection is made with now. */
function seen(more: Partial<ServerOptions>, env = {}) {
  const address = kafkaOf(options(more), env);
  return { tls: address?.tls?.(), sasl: address?.sasl?.() };
}

test('brokers, TLS and login as the options say', () => {
  expect(kafkaOf({ data: folder })).toBeNull();
  expect(kafkaOf(options({}), {})).toEqual({ brokers: ['a:9092', '[::1]:9093'] });
  expect(seen({ kafkaTls: true })).toEqual({ tls: {} });
  expect(seen({}, { MILLRACE_KAFKA_TLS: 'true' })).toEqual({ tls: {} });
  expect(seen({}, { MILLRACE_KAFKA_TLS: 'false' })).toEqual({});
  expect(seen({ kafkaCa: pem, kafkaCert: pem, kafkaKey: pem })).toEqual({ tls: { ca: PEM, cert: PEM, key: PEM } });
  expect(seen({ kafkaUser: 'u', kafkaSasl: 'PLAIN' }, { MILLRACE_KAFKA_PASSWORD: 'p' })).toEqual({
    sasl: { mechanism: 'PLAIN', username: 'u', password: 'p' },
  });
  expect(seen({ kafkaUser: 'u', kafkaPasswordFile: secret })).toEqual({
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'geheim' },
  });
});

test('a renewed password and CA count from the next connection on', () => {
  const file = join(folder, 'renewed');
  const ca = join(folder, 'renewed.pem');
  writeFileSync(file, 'first');
  writeFileSync(ca, PEM);
  const address = kafkaOf(options({ kafkaUser: 'u', kafkaPasswordFile: file, kafkaCa: ca }), {});
  expect(address?.sasl?.().password).toBe('first');
  writeFileSync(file, 'second\n');
  writeFileSync(ca, `${PEM}x`);
  expect([address?.sasl?.().password, address?.tls?.().ca]).toEqual(['second', `${PEM}x`]);
  rmSync(file);
  expect(() => address?.sasl?.()).toThrow(/^the file \S+renewed cannot be read: no such file; needed is one with a password$/);
});

test.each<[string, Partial<ServerOptions>, Record<string, string>, RegExp]>([
  ['a certificate without its key', { kafkaCert: 'c' }, {}, /--kafka-cert .*MILLRACE_KAFKA_CERT.* go together/],
  [
    'a file that is not there',
    { kafkaCa: '/nowhere.pem' },
    {},
    /--kafka-ca \(or MILLRACE_KAFKA_CA\): .*\/nowhere\.pem.*no such file/,
  ],
  ['a CA that is none', { kafkaCa: '/proc/self/comm' }, {}, /--kafka-ca .*\/proc\/self\/comm holds no PEM; needed is/],
  ['an empty password', { kafkaUser: 'u', kafkaPasswordFile: '/dev/null' }, {}, /--kafka-password-file .*\/dev\/null is empty/],
  [
    'a user without a password',
    { kafkaUser: 'u' },
    {},
    /is u, which needs a password: --kafka-password-file .*MILLRACE_KAFKA_PASSWORD/,
  ],
  ['a password without a user', { kafkaPasswordFile: 'x' }, {}, /--kafka-user \(or MILLRACE_KAFKA_USER\) is missing/],
  ['a user without a name', { kafkaUser: '' }, {}, /--kafka-user .* is empty/],
  ['another login', { kafkaSasl: 'GSSAPI' }, {}, /--kafka-sasl .* is "GSSAPI"; allowed are SCRAM-SHA-512, SCRAM-SHA-256, PLAIN/],
  ['an unclear wish for TLS', {}, { MILLRACE_KAFKA_TLS: 'yes' }, /MILLRACE_KAFKA_TLS is "yes"; allowed are true and false/],
  ['a CA without TLS', { kafkaCa: '/x' }, { MILLRACE_KAFKA_TLS: 'false' }, /MILLRACE_KAFKA_TLS is false, and certificates/],
  ['an address with a scheme', { kafka: 'kafka://a:1' }, {}, /MILLRACE_KAFKA\) names .*allowed is host:port/],
  ['an empty address', { kafka: 'a:1,' }, {}, /names ""; allowed is host:port/],
])('%s is refused', (_, more, env, expected) => {
  expect(() => kafkaOf(options(more), env)).toThrow(UsageError);
  expect(() => kafkaOf(options(more), env)).toThrow(expected);
});
