/**
 * Ends a device's connection, and its session with what waits in it: by connecting under its client id (MQTT 5.0, 3.1.4), which on the
 * listener of roles who has their certificate may choose. Nothing is published, and nothing subscribed to.
 */
import { connectAsync } from 'mqtt';
import { type BrokerAddress, optionsOf } from './link.ts';

/** @throws Error where the broker does not let us in; then the device may be connected still */
export async function pushOff(broker: BrokerAddress, device: string): Promise<void> {
  const client = await connectAsync(broker.url, optionsOf(broker, device), false);
  await client.endAsync();
}
