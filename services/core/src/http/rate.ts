/** Requests per second and client: a bucket of tokens each, which fills at the rate and holds a second's worth. */
const MOST_CLIENTS = 10_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Takes one request of a client at a time (ms of a clock that never goes back).
 * @returns seconds after which the next would be let in; 0: this one is
 */
export function rateLimiter(perSecond: number): (client: string, nowMs: number) => number {
  const size = Math.max(1, perSecond);
  const buckets = new Map<string, Bucket>();
  return (client, nowMs) => {
    const { tokens: left, atMs } = buckets.get(client) ?? { tokens: size, atMs: nowMs };
    const tokens = Math.min(size, left + ((nowMs - atMs) / 1_000) * perSecond);
    const isIn = tokens >= 1;
    buckets.delete(client); // the one that was silent for longest stands first
    buckets.set(client, { tokens: isIn ? tokens - 1 : tokens, atMs: nowMs });
    if (buckets.size > MOST_CLIENTS)
      for (const oldest of buckets.keys()) {
        buckets.delete(oldest);
        break;
      }
    return isIn ? 0 : Math.ceil((1 - tokens) / perSecond);
  };
}
