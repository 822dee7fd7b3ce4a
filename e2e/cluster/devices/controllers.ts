/** The controllers of the example, each with a certificate of its own: the example's simulator sends over the listener for devices. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from '@millrace/deploy/command.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { DEMO, messagesOf, type Reading } from '../../../examples/smart-controller/simulate.ts';
import { firstDifference } from '../../observe.ts';
import type { Context } from '../checks.ts';
import { query } from '../rows.ts';
import { certified, doorOf } from './door.ts';

const SIMULATOR = resolve(import.meta.dirname, '../../../examples/smart-controller/simulate.ts');
const SENT_WITHIN_MS = 240_000;
const FRAMES = 32;

/** Those of the example alone: checks have devices of their own in the same table. */
export const CONTROLLERS = "device LIKE 'f2-02f2%'";

/** All messages, each until the broker has acknowledged it. */
export async function sendReadings(kubectl: Kubectl, say: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-e2e-controllers-'));
  try {
    const door = await doorOf(kubectl);
    const devices = [...new Set(messagesOf(DEMO).map(({ topic }) => topic.split('/')[1] ?? ''))];
    writeFileSync(join(folder, 'ca.crt'), door.authority);
    for (const { device, certificate, key } of await certified(kubectl, devices)) {
      writeFileSync(join(folder, `${device}.crt`), certificate);
      writeFileSync(join(folder, `${device}.key`), key, { mode: 0o600 });
    }
    const env = {
      ...process.env,
      MILLRACE_MQTT_URL: door.url,
      MILLRACE_MQTT_CERTIFICATES: folder,
      MILLRACE_MQTT_SERVERNAME: door.servername,
    };
    const said = await run([process.execPath, SIMULATOR], { env, withinMs: SENT_WITHIN_MS });
    say(`smart-controller: ${said.trim()} by ${devices.length} controllers with certificates, to ${door.url}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error for the first row that is not what its controller meant */
export async function checkReadings({ kubectl, values }: Context): Promise<void> {
  const sent = messagesOf(DEMO);
  const streams = new Set(sent.filter(({ payload }) => payload.includes('"frame"')).map(({ topic }) => topic));
  if (streams.size !== FRAMES) throw new Error(`the simulator has ${streams.size} streams of frames, not ${FRAMES}`);
  const wanted = [...new Set(sent.flatMap(({ readings }) => readings).map(textOf))].toSorted();
  const columns =
    'device, connector, component, datapoint, (extract(epoch from time) * 1000)::bigint::float8, value::float8, text, unit';
  const sql = `SELECT json_build_array(${columns}) FROM "${values.namespace}".controller_readings WHERE ${CONTROLLERS}`;
  const lines = (await query(kubectl, values, sql)).split('\n').filter((line) => line !== '');
  const rows = lines.map((line) => JSON.stringify(JSON.parse(line)));
  const difference = firstDifference(rows.toSorted(), wanted);
  if (difference)
    throw new Error(
      `${rows.length} rows are there, ${wanted.length} are right; sorted, number ${difference.at} is ${difference.found}, expected ${difference.expected}`,
    );
}

function textOf({ device, connector, component, datapoint, timeMs, value, text, unit }: Reading): string {
  return JSON.stringify([device, connector, component, datapoint, timeMs, value, text, unit]);
}
