/** What a device with a certificate may and may not, shown from outside of the cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { progressOf } from '@millrace/deploy/progress.ts';
import { allReady, waitFor } from '@millrace/deploy/wait.ts';
import type { MqttClient } from 'mqtt';
import { until } from '../../faults/until.ts';
import type { Context } from '../checks.ts';
import { expect } from '../expect.ts';
import { query } from '../rows.ts';
import { command, connect, type Door, doorOf, type Owner } from './door.ts';
import { newDevice, payloadOf, topicOf } from './own.ts';

const WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const NOT_AUTHORISED = 135; // MQTT 5.0, 2.4
/** Times at which nobody else says anything. */
const FORGED_MS = Date.UTC(2025, 0, 1);
const OWN_MS = Date.UTC(2025, 0, 2);

async function countOf({ kubectl, values }: Context, where: string): Promise<number> {
  const sql = `SELECT count(*) FROM "${values.namespace}".controller_readings WHERE ${where}`;
  return Number(await query(kubectl, values, sql));
}

const at = (timeMs: number): string => `time = to_timestamp(${timeMs / 1_000})`;

/** What it says under another's name never comes: what it says afterwards, on the same connection, does. */
export async function checkForged(context: Context): Promise<void> {
  const { kubectl, values } = context;
  const honest = await newDevice(kubectl);
  const before = (await progressOf(kubectl, 'smart-controller')).totals.read;
  const device = await connect(await doorOf(kubectl), honest, { protocolVersion: 5 });
  try {
    for (const topic of [topicOf('f2-02f200000001'), 'tele/f2-02f200000001/io/J4/motion', 'stat/f2-02f200000001/io/J1/strike'])
      expect(`the broker's answer to ${topic}`, await refusalOf(device, topic), String(NOT_AUTHORISED));
    await device.publishAsync(topicOf(honest.device), payloadOf(OWN_MS), { qos: 1 });
  } finally {
    await device.endAsync();
  }
  const own = `device = '${honest.device}' AND ${at(OWN_MS)}`;
  await until('its own reading is stored', WITHIN_MS, async () => (await countOf(context, own)) === 1, LOOK_EVERY_MS);
  expect('rows of the forged readings', String(await countOf(context, at(FORGED_MS))), '0');
  const { read } = (await progressOf(kubectl, 'smart-controller')).totals;
  expect(`records that came in ${values.namespace}`, String(read - before), '1');
}

/** With version 5 the broker says why; with 3.1.1 it acknowledges, and drops it all the same. */
async function refusalOf(device: MqttClient, topic: string): Promise<string> {
  try {
    await device.publishAsync(topic, payloadOf(FORGED_MS), { qos: 1 });
    return 'taken';
  } catch (error) {
    return String((error as { code?: number }).code);
  }
}

/** From its revocation on by a person in the pod of `devices`, and when the broker's pod is another one. */
export async function checkRevoked(context: Context): Promise<void> {
  const { kubectl, target } = context;
  const door = await doorOf(kubectl);
  const bad = await newDevice(kubectl);
  await (await connect(door, bad)).endAsync(); // or what follows would show nothing
  const words = ['node', '/app/millrace.js', 'device', 'revoke', bad.device];
  const said = await kubectl.run('exec', 'deploy/devices', '--', ...words);
  if (!said.includes('revoked')) throw new Error(`device revoke says ${said}`);
  const isRefused = async (): Promise<boolean> => /revoked/.test((await attempt(door, bad)) ?? '');
  const from = performance.now();
  await until('it is refused, as revoked', WITHIN_MS, isRefused, LOOK_EVERY_MS);
  target.say(`refused ${((performance.now() - from) / 1_000).toFixed(1)} s after its certificate was revoked`);

  await kubectl.run('delete', 'pod', 'mqtt-0');
  await waitFor('the broker’s new pod', allReady, { kubectl, say: () => undefined, withinMs: WITHIN_MS });
  const whys: string[] = [];
  for (const deadline = performance.now() + WITHIN_MS; whys.length < 3; await sleep(LOOK_EVERY_MS)) {
    const why = await attempt(door, bad);
    // At first there may be no way to the new pod yet.
    if (why === null) throw new Error('the broker’s new pod lets a revoked device in');
    if (/revoked/.test(why)) whys.push(why);
    else if (performance.now() > deadline) throw new Error(`the broker’s new pod says ${why}, not that it is revoked`);
  }
  await (await connect(door, await newDevice(kubectl))).endAsync(); // nobody else is shut out
}

/** null: it was let in. */
async function attempt(door: Door, owner: Owner): Promise<string | null> {
  try {
    await (await connect(door, owner)).endAsync();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Over HTTP, by who has a token for it: the device gets it, its answer comes back, and who sent what is recorded. */
export async function checkCommand(context: Context): Promise<void> {
  const { kubectl, values } = context;
  const topic = 'io/J1/strike';
  const owner = await newDevice(kubectl);
  const device = await connect(await doorOf(kubectl), owner, { protocolVersion: 5 });
  try {
    device.on('message', (came, payload, { properties }) => {
      const { id } = JSON.parse(payload.toString()) as { id: string };
      const answer = JSON.stringify({ ts: OWN_MS, state: 'unlocked', id });
      const correlationData = properties?.correlationData;
      device.publish(came.replace('cmnd/', 'stat/'), answer, {
        qos: 1,
        properties: correlationData === undefined ? {} : { correlationData },
      });
    });
    await device.subscribeAsync(`cmnd/${owner.device}/#`, { qos: 1 });
    const { code, body } = await command(kubectl, owner.device, { topic, payload: { id: '4711', state: 'unlock' } });
    expect('the answer', `${code} ${body.outcome} by ${body.matchedBy}`, '200 answered by correlation');
    const { state, id } = JSON.parse(String(body.answer)) as Record<string, unknown>;
    expect('what the device said', `${state} ${id}`, 'unlocked 4711');
    const columns = "sent_by || ' ' || outcome || ' ' || convert_from(payload, 'UTF8')";
    const sql = `SELECT ${columns} FROM millrace.device_commands WHERE device = '${owner.device}' AND topic = '${topic}'`;
    expect('what is recorded', await query(kubectl, values, sql), 'token admin answered {"id":"4711","state":"unlock"}');
  } finally {
    await device.endAsync();
  }
  const row = `device = '${owner.device}' AND kind = 'stat' AND component = 'strike' AND command = '4711' AND text = 'unlocked'`;
  await until('the answer is a row, too', WITHIN_MS, async () => (await countOf(context, row)) === 1, LOOK_EVERY_MS);
}
