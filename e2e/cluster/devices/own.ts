/** Devices of the checks: in the registry beside those of the example, with a strike that takes commands and a motion detector. */
import { randomBytes } from 'node:crypto';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { importRegistry } from '@millrace/deploy/registry.ts';
import { certified, type Owner } from './door.ts';

const PIPELINE = 'smart-controller';

/** A device that nobody knew: registered, and given a certificate. */
export async function newDevice(kubectl: Kubectl): Promise<Owner> {
  const device = `f2-0e2e${randomBytes(4).toString('hex')}`;
  const pin = { device, connector: 'J1', mode: 'io' };
  const registry = {
    devices: [{ name: device }],
    connectors: [{ device, name: 'J1' }],
    pins: ['strike', 'motion'].map((component) => ({ ...pin, component, template: component })),
  };
  await importRegistry({ paths: [], text: JSON.stringify(registry), pipeline: PIPELINE }, kubectl);
  const [owner] = await certified(kubectl, [device]);
  if (!owner) throw new Error(`${device} got no certificate`);
  return owner;
}

/** Of a reading of its motion detector; its time tells which one it is. */
export const topicOf = (device: string): string => `tele/${device}/io/J1/motion`;
export const payloadOf = (timeMs: number): string => JSON.stringify({ ts: timeMs, motion: true });
