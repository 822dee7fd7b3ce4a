import { describe, expect, test } from 'vitest';
import { decodeUnreadable, encodeUnreadable, oversizeOf } from './raw.ts';

const buffers = (headers: Record<string, string>): Record<string, Buffer> =>
  Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
const whole = oversizeOf(Buffer.from('abc'));

describe('why a record is unreadable', () => {
  test.each([
    ['broken', { message: 'at byte 7 of ä.csv: no UTF-8' }],
    ['too large', { message: 'has 3 bytes', oversize: whole }],
  ])('%s: comes back as it was', (_name, unreadable) => {
    expect(decodeUnreadable(buffers(encodeUnreadable(unreadable)))).toEqual(unreadable);
  });

  test('a text that goes on and on is cut', () => {
    expect(encodeUnreadable({ message: 'x'.repeat(3_000) })).toEqual({ unreadable: 'x'.repeat(2_000) });
  });

  test('a record without the header is readable', () => {
    expect(decodeUnreadable(buffers({ source: 'replay', 'original-length': '3' }))).toBeNull();
  });

  test.each([
    ['no number', { 'original-length': 'many', 'original-sha256': whole.sha256 }],
    ['a number that is not exact', { 'original-length': '1'.repeat(17), 'original-sha256': whole.sha256 }],
    ['no sha256', { 'original-length': '3' }],
    ['half a sha256', { 'original-length': '3', 'original-sha256': 'ab' }],
  ])('a length that another writer put there, with %s, does not count', (_name, headers) => {
    expect(decodeUnreadable(buffers({ unreadable: 'broken', ...headers }))).toEqual({ message: 'broken' });
  });
});
