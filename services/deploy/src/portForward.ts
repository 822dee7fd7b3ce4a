/**
 * `make port-forward`: the platform's windows on this machine, by loopback only, until Ctrl-C. A connection that ends because
 * its pod was made anew is opened again, on the same port.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpServiceName } from '@millrace/cdk8s/pipeline/http.ts';
import { ALERTMANAGER_PORT } from '@millrace/cdk8s/platform/alertmanager.ts';
import { clusterOf } from '@millrace/cdk8s/platform/databasePeer.ts';
import {
  DATABASE_PORT,
  DEVICES_PORT,
  databaseSecret,
  databaseUser,
  hostOf,
  MQTT_DEVICES_PORT,
  SECRETS,
} from '@millrace/cdk8s/platform/names.ts';
import { PROMETHEUS_PORT } from '@millrace/cdk8s/platform/prometheusPeer.ts';
import type { Values } from '@millrace/cdk8s/platform/values.ts';
import { DEFAULT_HTTP_PORT } from '@millrace/core/spec/defaults.ts';
import type { Inventory } from './inventory.ts';
import { lookAt } from './live.ts';
import type { Target } from './target.ts';
import { readingOf, TOKEN } from './tokens.ts';

const LOOPBACK = '127.0.0.1';
const AGAIN_MS = 2_000;
const GRAFANA_PORT = 3000;

export interface Door {
  name: string;
  service: string;
  /** Of the service, and here where it is free. */
  port: number;
  /** How to go through it, given the port that it has here. */
  how(port: number, ask: Ask): string;
}

/** Commands that print what a Secret holds. */
export interface Ask {
  password(secret: string): string;
  tokens(secret: string): string;
  authority(secret: string): string;
}

const page = (port: number): string => `http://${LOOPBACK}:${port}`;

/** Those that this platform has. Pure. */
export function doorsOf(values: Values): Door[] {
  const { grafana, prometheus, alertmanager, database, mqtt } = values;
  const cluster = clusterOf(values);
  return [
    ...(grafana.enabled
      ? [
          {
            name: 'Grafana',
            service: 'grafana',
            port: GRAFANA_PORT,
            how: (port: number, ask: Ask) => `${page(port)}  user admin, password: ${ask.password(SECRETS.grafana)}`,
          },
        ]
      : []),
    ...(prometheus.enabled ? [{ name: 'Prometheus', service: 'prometheus', port: PROMETHEUS_PORT, how: page }] : []),
    ...(alertmanager.enabled ? [{ name: 'Alertmanager', service: 'alertmanager', port: ALERTMANAGER_PORT, how: page }] : []),
    ...(database.external
      ? []
      : [
          {
            name: 'database',
            service: cluster === null ? 'database' : `${cluster}-rw`,
            port: DATABASE_PORT,
            how: (port: number, ask: Ask) =>
              `psql 'host=${LOOPBACK} port=${port} dbname=${database.name} user=${databaseUser('reader')} sslmode=require'  password: ${ask.password(databaseSecret('reader'))}`,
          },
        ]),
    ...(mqtt.enabled
      ? [
          {
            name: 'devices',
            service: 'devices',
            port: DEVICES_PORT,
            how: (port: number, ask: Ask) =>
              `${page(port)}  certificates, token: ${ask.tokens(SECRETS.provisioningTokens)}  commands, token: ${ask.tokens(SECRETS.commandTokens)}`,
          },
        ]
      : []),
    ...(mqtt.enabled && !mqtt.external
      ? [
          {
            name: 'MQTT',
            service: 'mqtt',
            port: MQTT_DEVICES_PORT,
            how: (port: number, ask: Ask) =>
              `mqtts://${LOOPBACK}:${port}  with the certificate of a device; the broker's is of ${hostOf('mqtt', values)}, its authority: ${ask.authority(SECRETS.mqttServer)}`,
          },
        ]
      : []),
  ];
}

/** Those of Pipelines that devices send to. Pure. */
export function sourceDoorsOf({ objects, kept }: Inventory): Door[] {
  const services = objects.filter(({ kind, name, instance }) => kind === 'Service' && name === httpServiceName(instance));
  return services.map(({ name: service, instance: name }) => {
    const secret = kept.find(({ kind, instance, component }) => kind === 'Secret' && instance === name && component === TOKEN);
    return {
      name,
      service,
      port: DEFAULT_HTTP_PORT,
      how: (port, ask) => `${page(port)}${secret === undefined ? '' : `  token: ${ask.tokens(secret.name)}`}`,
    };
  });
}

/** @param signal ends it @throws Error where nothing was deployed */
export async function portForward({ kubectl, say }: Target, signal: AbortSignal): Promise<void> {
  const { inventory } = await lookAt(kubectl);
  if (inventory === null) throw new Error(`no deploy was in the namespace ${kubectl.namespace}: make deploy makes one`);
  const ask: Ask = {
    password: (secret) =>
      `${kubectl.words('get', 'secret', secret).join(' ')} --output=go-template='{{.data.password | base64decode}}'`,
    tokens: (secret) => readingOf(kubectl, secret),
    authority: (secret) =>
      `${kubectl.words('get', 'secret', secret).join(' ')} --output=go-template='{{index .data "ca.crt" | base64decode}}'`,
  };
  const open: Promise<void>[] = [];
  for (const door of [...doorsOf(inventory.values), ...sourceDoorsOf(inventory)]) {
    const port = await freePort(door.port);
    say(`${door.name.padEnd(12)} ${door.how(port, ask)}`);
    open.push(
      keepOpen(
        kubectl.words('port-forward', `--address=${LOOPBACK}`, `service/${door.service}`, `${port}:${door.port}`),
        door.name,
        say,
        signal,
      ),
    );
  }
  if (open.length === 0)
    throw new Error('this platform has nothing to look at from here: all of it is switched off or elsewhere');
  say('Ctrl-C closes them');
  await Promise.all(open);
}

async function keepOpen(words: readonly string[], name: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  for (let told = ''; !signal.aborted; ) {
    const why = await forward(words, signal);
    if (signal.aborted) return;
    if (why !== told) say(`${name}: ${why || 'the connection has ended'}; trying again`);
    told = why;
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns what it said when it ended */
function forward([program = '', ...words]: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
    const end = (): void => void child.kill();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said = chunk.trim().split('\n').at(-1) ?? said;
    });
    child.on('error', (error) => {
      said = error.message;
    });
    child.on('close', () => {
      signal.removeEventListener('abort', end);
      resolve(said);
    });
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

/** The one that is wished for, or any other where that is taken. */
function freePort(wished: number): Promise<number> {
  return listens(wished).catch(() => listens(0));
}

function listens(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
