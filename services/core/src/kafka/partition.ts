/**
 * Which partition a key goes to, as Java clients decide it: murmur2 of the key's bytes, made positive, modulo the
 * partitions (org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey).
 */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/** The 32-bit murmur2 hash of `bytes` as a signed integer. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const whole = length & ~3;
  let hash = (SEED ^ length) | 0;
  for (let at = 0; at < whole; at += 4) {
    const word = byte(bytes, at) | (byte(bytes, at + 1) << 8) | (byte(bytes, at + 2) << 16) | (byte(bytes, at + 3) << 24);
    let k = Math.imul(word, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  const rest = length - whole;
  if (rest === 3) hash ^= byte(bytes, whole + 2) << 16;
  if (rest >= 2) hash ^= byte(bytes, whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(bytes, whole), M);
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}

/** The partition of `key` among `partitions`, from 0. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}
