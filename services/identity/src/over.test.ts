import { expect, test } from 'vitest';
import { isDueToPush, type Over } from './over.ts';

const NOW = new Date('2026-11-23T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1_000);
const revoked: Over = { serial: '41', device: 'f2-1', isRevoked: true, notAfter: ago(-86_400), pushedAt: null };
const ended: Over = { ...revoked, isRevoked: false, notAfter: ago(60) };

test.each<[string, Over, boolean, boolean]>([
  ['revoked, the broker has no such list yet: it would come back', revoked, false, false],
  ['revoked, the broker refuses it', revoked, true, true],
  ['ended, whatever list the broker has', ended, false, true],
  ['ended a moment ago: the clock of the broker may be late', { ...ended, notAfter: ago(2) }, true, false],
  ['revoked and ended', { ...revoked, notAfter: ago(60) }, false, true],
  ['pushed off just now', { ...revoked, pushedAt: ago(10) }, true, false],
  ['pushed off before those had to go who were let in before', { ...revoked, pushedAt: ago(121) }, true, true],
  ['the same, and the broker has got another list since', { ...revoked, pushedAt: ago(121) }, false, true],
  ['ended, and pushed off once', { ...ended, pushedAt: ago(119) }, true, false],
])('%s', (_what, over, isInForce, isDue) => {
  expect(isDueToPush(over, NOW, isInForce)).toBe(isDue);
});
