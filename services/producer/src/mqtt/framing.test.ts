import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { Framing } from './framing.ts';

const MAX_BYTES = 1_000;

/** Framed and parsed, as the connection does it. */
function read(
  bytes: Buffer,
  protocolVersion: 4 | 5,
  cuts: readonly number[] = [],
): { packet: Packet; length: number | null; sha256: string | null }[] {
  const found: { packet: Packet; length: number | null; sha256: string | null }[] = [];
  const parse = parser({ protocolVersion });
  let last: Packet | null = null;
  parse.on('packet', (packet) => {
    last = packet;
  });
  const framing = new Framing({ maxBytes: MAX_BYTES, hasProperties: protocolVersion === 5 }, (packet, oversize) => {
    parse.parse(packet);
    if (last === null) throw new Error('no packet');
    found.push({ packet: last, length: oversize?.length ?? null, sha256: oversize?.sha256 ?? null });
    last = null;
  });
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  for (const [index, to] of [...places, bytes.length].entries()) framing.push(bytes.subarray(places[index - 1] ?? 0, to));
  return found;
}

const publish = (payload: Buffer, more: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: 'publish',
  topic: 'tele/é',
  qos: 1,
  messageId: 7,
  dup: false,
  retain: false,
  payload,
  ...more,
});

test('however bytes are cut, the packets are the same', () => {
  const sizes = fc.oneof(fc.nat(300), fc.constantFrom(999, 1_000, 1_001, 70_000, 132_072, 140_000, 300_000));
  const one = fc.record({ size: sizes, qos: fc.constantFrom<0 | 1>(0, 1), topic: fc.string({ minLength: 1, maxLength: 200 }) });
  fc.assert(
    fc.property(
      fc.array(one, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<4 | 5>(4, 5),
      fc.array(fc.nat(), { maxLength: 12 }),
      (messages, protocolVersion, cuts) => {
        const packets = messages.map(({ size, qos, topic }) => {
          const properties = protocolVersion === 5 ? { properties: { userProperties: { a: 'b'.repeat(size % 500) } } } : {};
          const name = topic.replace(/[+#\0]/g, 'x');
          return publish(Buffer.alloc(size, topic), {
            qos,
            topic: name,
            ...properties,
            ...(qos === 0 ? {} : { messageId: 1 + (size % 60_000) }),
          });
        });
        const bytes = Buffer.concat(
          packets.flatMap((packet) => [generate(packet, { protocolVersion }), generate({ cmd: 'pingresp' })]),
        );
        const found = read(bytes, protocolVersion, cuts);
        expect(found).toHaveLength(2 * packets.length);
        for (const [index, { payload, topic, messageId, qos }] of packets.entries()) {
          const { packet, length, sha256 } = found[2 * index] as (typeof found)[0];
          const all = payload as Buffer;
          expect(packet).toMatchObject({ cmd: 'publish', topic, ...(qos === 0 ? {} : { messageId }) });
          const kept = (packet as IPublishPacket).payload as Buffer;
          expect(all.subarray(0, kept.length).equals(kept)).toBe(true);
          if (length === null) expect(kept.length).toBe(all.length);
          else expect([length, sha256]).toEqual([all.length, createHash('sha256').update(all).digest('hex')]);
          expect(found[2 * index + 1]?.packet.cmd).toBe('pingresp');
        }
      },
    ),
    { numRuns: 150 },
  );
});

describe('a large message', () => {
  test('keeps its beginning, also behind properties that are larger than what is held', () => {
    const payload = Buffer.alloc(3_000_000, 'abc');
    const properties = {
      userProperties: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`p${n}`, 'x'.repeat(60_000)])),
    };
    const [found] = read(generate(publish(payload, { properties }), { protocolVersion: 5 }), 5, [10, 70_000, 2_000_000]);
    expect(found).toMatchObject({ length: 3_000_000, packet: { topic: 'tele/é', messageId: 7 } });
    if (!found) throw new Error('nothing found');
    const kept = (found.packet as IPublishPacket).payload as Buffer;
    expect(kept.equals(payload.subarray(0, kept.length))).toBe(true);
    expect(kept.length).toBeGreaterThan(0);
  });
});

test.each([
  ['a length that never ends', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]), /more than four bytes/],
  ['a packet that is no message and too large', Buffer.from([0x90, 0xff, 0xff, 0xff, 0x7f]), /kind 9 with 268435455 bytes/],
])('%s is an error', (_name, bytes, message) => {
  expect(() => read(bytes, 5)).toThrow(message);
});
