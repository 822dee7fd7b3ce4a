import type { Recorded } from './records.ts';

const SOON_MS = 30 * 86_400_000;

export type State = 'valid' | 'ends soon' | 'expired' | 'revoked';

/** What a certificate is good for now; `ends soon`: within 30 days. */
export function stateOf({ revokedAt, notAfter }: Pick<Recorded, 'revokedAt' | 'notAfter'>, now: Date): State {
  if (revokedAt !== null) return 'revoked';
  const leftMs = notAfter.getTime() - now.getTime();
  if (leftMs <= 0) return 'expired';
  return leftMs < SOON_MS ? 'ends soon' : 'valid';
}
