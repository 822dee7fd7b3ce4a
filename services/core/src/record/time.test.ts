import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJson, RawNumber } from './json.ts';
import { compileTime, epochNsToIso, isoToEpochMs, isoToEpochNs, TimeError } from './time.ts';
import { zoneOf } from './zone.ts';

const TRAFFIC = 'yyyy MMM dd hh:mm:ss a';
const CHICAGO = 'America/Chicago';

describe('times come out exactly, in UTC', () => {
  const cases: [string | undefined, string | undefined, unknown, string][] = [
    [undefined, undefined, '2025-11-13T05:20:05.0000000Z', '2025-11-13T05:20:05.0000000Z'],
    ['iso', undefined, '2025-11-13T05:20:05.123456789+05:30', '2025-11-12T23:50:05.123456789Z'],
    ['iso', undefined, '2025-11-13 05:20:05,5-0800', '2025-11-13T13:20:05.5Z'],
    ['iso', undefined, '2025-11-13T05:20:05 +02', '2025-11-13T03:20:05Z'],
    ['iso', undefined, ' 2025-11-13T05:20z ', '2025-11-13T05:20:00Z'],
    ['iso', CHICAGO, '2025-04-15T18:52:00', '2025-04-15T23:52:00Z'],
    ['iso', CHICAGO, '2025-04-15', '2025-04-15T05:00:00Z'],
    ['iso', CHICAGO, '2025-04-15T18:52:00Z', '2025-04-15T18:52:00Z'],
    ['iso', undefined, '2024-02-29T24:00:00', '2024-03-01T00:00:00Z'],
    ['iso', undefined, '0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
    ['iso', undefined, '0099-12-31T23:59:59Z', '0099-12-31T23:59:59Z'],
    ['iso', undefined, '9999-12-31T23:59:59.999999999Z', '9999-12-31T23:59:59.999999999Z'],
    ['iso', undefined, '2025-01-01T00:00:00.1234567890123Z', '2025-01-01T00:00:00.123456789Z'],
    ['iso', 'Asia/Kathmandu', '2025-01-01T00:00:00', '2024-12-31T18:15:00Z'],
    ['iso', CHICAGO, '1850-01-01T00:00:00', '1850-01-01T05:50:36Z'],
    [TRAFFIC, CHICAGO, '2025 Apr 15 06:52:00 PM', '2025-04-15T23:52:00Z'],
    [TRAFFIC, CHICAGO, '2017 jun 26 12:00:00 am', '2017-06-26T05:00:00Z'],
    [TRAFFIC, CHICAGO, '2017 Jan 26 12:30:00 PM', '2017-01-26T18:30:00Z'],
    ['dd.MM.yyyy HH:mm:ss.u', undefined, '13.11.2025 05:20:05.123456789', '2025-11-13T05:20:05.123456789Z'],
    ['yyyyMMddHHmmssSSS', undefined, 20251113052005123n, '2025-11-13T05:20:05.123Z'],
    ["yyyy-MM-dd'T'HH:mm:ss.S ZZ", undefined, '2025-11-13T05:20:05.7 -03:00', '2025-11-13T08:20:05.007Z'],
    ['M/d/yy h:mm a', undefined, '3/4/99 1:05 PM', '1999-03-04T13:05:00Z'],
    ['EEEE d MMMM yyyy HH:mm z', undefined, 'Tuesday 15 April 2025 18:52 America/Chicago', '2025-04-15T23:52:00Z'],
    ['yyyy-ooo', undefined, '2024-366', '2024-12-31T00:00:00Z'],
    ['epoch_s', undefined, '1.594512094385974E9', '2020-07-12T00:01:34.385974Z'],
    ['epoch_s', undefined, 1594512094, '2020-07-12T00:01:34Z'],
    ['epoch_s', undefined, 1594512094.385, '2020-07-12T00:01:34.385Z'],
    ['epoch_s', undefined, '1594512094.12345678999', '2020-07-12T00:01:34.123456789Z'],
    ['epoch_s', undefined, 0, '1970-01-01T00:00:00Z'],
    ['epoch_s', undefined, '0e5', '1970-01-01T00:00:00Z'],
    ['epoch_s', undefined, -1, '1969-12-31T23:59:59Z'],
    ['epoch_s', undefined, '-1.25', '1969-12-31T23:59:58.75Z'],
    ['epoch_s', undefined, '-0.000', '1970-01-01T00:00:00.000Z'],
    ['epoch_s', undefined, '1.6E9', '2020-09-13T12:26:40Z'],
    ['epoch_s', undefined, new RawNumber('1594512094.38597412345'), '2020-07-12T00:01:34.385974123Z'],
    ['epoch_ms', undefined, 1594512094385, '2020-07-12T00:01:34.385Z'],
    ['epoch_ms', undefined, -1, '1969-12-31T23:59:59.999Z'],
    ['epoch_ms', undefined, 1594512094385.25, '2020-07-12T00:01:34.38525Z'],
    ['epoch_us', undefined, '1594512094385974', '2020-07-12T00:01:34.385974Z'],
    ['epoch_ns', undefined, parseJson('1716760513715797500'), '2024-05-26T21:55:13.715797500Z'],
    ['epoch_ns', undefined, 5, '1970-01-01T00:00:00.000000005Z'],
  ];
  test.each(cases)('%s %s %s', (format, zone, raw, expected) => {
    expect(compileTime({ format, zone }).parse(raw)).toBe(expected);
  });
});

describe('months and weekdays in other languages', () => {
  test.each([
    ['d. MMMM yyyy', 'de', '28. März 2024', '2024-03-28T00:00:00Z'],
    ['dd. MMM yyyy HH:mm', 'de', '01. Sept. 2024 08:00', '2024-09-01T08:00:00Z'],
    ['dd LLL yyyy', 'de', '01 Mär 2024', '2024-03-01T00:00:00Z'],
    ["d MMM yyyy 'à' HH:mm", 'fr', '12 févr. 2024 à 08:00', '2024-02-12T08:00:00Z'],
    ["d MMM yyyy 'à' HH:mm", 'fr', '12 FÉVR 2024 à 08:00', '2024-02-12T08:00:00Z'],
    ["d 'de' MMMM 'de' yyyy", 'es', '3 de mayo de 2024', '2024-05-03T00:00:00Z'],
    ['EEEE, d. MMMM yyyy', 'de', 'Freitag, 1. März 2024', '2024-03-01T00:00:00Z'],
    ['d MMMM yyyy', 'pl', '3 maja 2024', '2024-05-03T00:00:00Z'],
    ['d MMMM yyyy', 'ru', '9 мая 2024', '2024-05-09T00:00:00Z'],
  ])('%s in %s: %s', (format, locale, raw, expected) => {
    expect(compileTime({ format, locale }).parse(raw)).toBe(expected);
  });

  test('what is no month of that language is refused, and so is a weekday that is another', () => {
    expect(() => compileTime({ format: 'd. MMMM yyyy', locale: 'de' }).parse('28. March 2024')).toThrow(/no such time/);
    expect(() => compileTime({ format: 'EEEE, d. MMMM yyyy', locale: 'de' }).parse('Montag, 1. März 2024')).toThrow(
      /no such time/,
    );
  });

  test.each(['de', 'fr', 'es', 'pt', 'pl', 'ru', 'tr', 'el', 'cs', 'fi'])('a time written in %s is read back', (locale) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 }), fc.constantFrom('d. MMMM yyyy', 'EEEE d MMMM yyyy'), (day, format) => {
        const time = compileTime({ format, locale });
        const ns = BigInt(day) * 86_400_000_000_000n;
        expect(isoToEpochNs(time.parse(time.format(ns)))).toBe(ns);
      }),
    );
  });
});

describe('times of devices that write them differently', () => {
  const { parse, format } = compileTime({ format: ['iso', 'epoch_s', 'epoch_ms'] });
  test.each([
    ['2024-06-03T08:00:00.250+02:00', '2024-06-03T06:00:00.250Z'],
    [1717394400, '2024-06-03T06:00:00Z'],
    [1717394400500, '2024-06-03T06:00:00.500Z'],
  ])('%s', (raw, expected) => {
    expect(parse(raw)).toBe(expected);
  });

  test('one that none of them reads is refused with what each allows; the first writes', () => {
    expect(() => parse('soon')).toThrow(/ISO 8601 .*; or .*epoch_s.*; or .*epoch_ms/);
    expect(format(0n)).toBe('1970-01-01T00:00:00Z');
  });
});

describe('what is no time is refused, never moved', () => {
  const cases: [string, string | undefined, unknown, RegExp][] = [
    ['iso', undefined, '2025-02-29T00:00:00Z', /no such time; allowed is ISO 8601/],
    ['iso', undefined, '2025-04-31', /no such time/],
    ['iso', undefined, '2025-13-01', /no such time/],
    ['iso', undefined, '2025-01-01T24:00:01', /no such time/],
    ['iso', undefined, '2025-01-01T24:00:00.5', /no such time/],
    ['iso', undefined, '2025-01-01T23:59:60', /no such time/],
    ['iso', undefined, '2025-01-01T00:00:00+25:00', /no such time/],
    ['iso', undefined, '0000-12-31T00:00:00Z', /out of range; allowed are the years 0001 to 9999/],
    ['iso', undefined, '9999-12-31T23:59:59-01:00', /out of range/],
    ['iso', undefined, 'yesterday', /no such time/],
    ['iso', undefined, '', /no such time/],
    ['iso', undefined, 20250415, /no such time/],
    ['iso', undefined, true, /no text/],
    ['iso', undefined, null, /no text/],
    ['iso', undefined, {}, /no text/],
    ['iso', CHICAGO, '2025-03-09T02:30:00', /America\/Chicago skipped it/],
    ['iso', 'Pacific/Apia', '2011-12-30T12:00:00', /skipped it/],
    [TRAFFIC, CHICAGO, '2025 Mar 09 02:00:00 AM', /skipped it/],
    [TRAFFIC, CHICAGO, '2025 Apr 15 13:00:00 PM', /allowed is the format "yyyy MMM dd/],
    [TRAFFIC, CHICAGO, '2025 Apr 15 00:00:00 AM', /allowed is the format/],
    [TRAFFIC, CHICAGO, '2025 Apr 15 06:52:00 PM x', /allowed is the format/],
    ['EEE dd MMM yyyy', undefined, 'Mon 15 Apr 2025', /no such time/],
    ['yyyy-ooo', undefined, '2025-366', /no such time/],
    ['yyyy-ooo', undefined, '2025-000', /no such time/],
    ['yyyy-MM-dd z', undefined, '2025-01-01 Mars/Olympus', /zone "Mars\/Olympus" is unknown/],
    ['epoch_s', undefined, 1594512094385, /out of range/],
    ['epoch_s', undefined, '1e9999', /out of range/],
    ['epoch_s', undefined, 'NaN', /no number; allowed is epoch_s/],
    ['epoch_s', undefined, '', /no number/],
    ['epoch_s', undefined, null, /no number/],
    ['epoch_s', undefined, false, /no number/],
    ['epoch_ns', undefined, '-99999999999999999999999999', /out of range/],
  ];
  test('a number of 100,000 digits', () => {
    expect(() => compileTime({ format: 'epoch_s' }).parse('9'.repeat(100_000))).toThrow(/no number/);
  });

  test.each(cases)('%s %s %s', (format, zone, raw, message) => {
    const { parse } = compileTime({ format, zone });
    expect(() => parse(raw)).toThrow(TimeError);
    expect(() => parse(raw)).toThrow(message);
  });
});

test('an hour that was passed twice means the earlier', () => {
  expect(compileTime({ zone: CHICAGO }).parse('2025-11-02T01:30:00')).toBe('2025-11-02T06:30:00Z');
  expect(compileTime({ zone: 'Australia/Lord_Howe' }).parse('2025-04-06T01:45:00')).toBe('2025-04-05T14:45:00Z');
});

test.each([
  [{ format: 'YYYY-MM-DD' }, /has "YYYY"/],
  [{ format: 'HH:mm' }, /no whole date/],
  [{ format: 'yyyy-MM' }, /no whole date/],
  [{ format: 'yyyy-MM-dd hh:mm' }, /h or a alone/],
  [{ format: 'yyyy-MM-dd HH:mm a' }, /h or a alone/],
  [{ format: 'yyyy-MM-ddTHH:mm:ss' }, /twice.*single quotes/],
  [{ format: 'yyyy-MM-dd mm' }, /leaves a part out/],
  [{ format: 'yyyy-MM-dd HH:ss' }, /leaves a part out/],
  [{ format: 'X' }, /has "X"/],
  [{ format: 'kkkk-WW-E' }, /has "kkkk"/],
  [{ format: '' }, /no whole date/],
  [{ zone: 'Mars/Olympus' }, /zone "Mars\/Olympus" is unknown/],
  [{ zone: 'local' }, /unknown/],
  [{ format: 'd. MMMM yyyy', locale: 'klingon!' }, /locale "klingon!" is no language/],
  [{ format: 'd. MMMM yyyy', locale: 'xx' }, /locale "xx" is no language/],
])('a rule that cannot work is refused when it is read: %j', (rule, message) => {
  expect(() => compileTime(rule)).toThrow(TimeError);
  expect(() => compileTime(rule)).toThrow(message);
});

test('a zone says which of its times came once more', () => {
  const berlin = zoneOf('Europe/Berlin');
  const repeated = (utc: string): boolean | undefined => berlin?.isRepeated(Date.parse(utc));
  expect(['2024-10-26T23:59:59Z', '2024-10-27T00:00:00Z', '2024-10-27T00:59:59Z', '2024-10-27T01:00:00Z'].map(repeated)).toEqual([
    false,
    true,
    true,
    false,
  ]);
  expect(repeated('2024-03-31T00:30:00Z')).toBe(false); // skipped, not repeated
  expect(zoneOf('Australia/Lord_Howe')?.isRepeated(Date.parse('2025-04-05T14:45:00Z'))).toBe(true); // by half an hour
  expect(zoneOf('UTC')?.isRepeated(0)).toBe(false);
});

const LAST_DAY = 253_402_200_000_000_000_000n;
const nanoseconds = fc.bigInt({ min: -62_135_596_800_000_000_000n, max: 253_402_300_799_999_999_999n });

test('a time written in any format is read back', () => {
  const formats: [string, bigint][] = [
    ['iso', 1n],
    ['epoch_s', 1n],
    ['epoch_ms', 1n],
    ['epoch_us', 1n],
    ['epoch_ns', 1n],
    ['yyyy-MM-dd HH:mm:ss.u ZZZ', 1n],
    ["yyyy/MM/dd'T'HH:mm:ss.SSS Z", 1_000_000n],
    ["dd MMM yyyy h:mm:ss 'at' a ZZ", 1_000_000_000n],
  ];
  fc.assert(
    fc.property(
      nanoseconds,
      fc.constantFrom(...formats),
      fc.constantFrom('UTC', CHICAGO, 'Asia/Kathmandu'),
      (ns, [format, unit], zone) => {
        if (zone !== 'UTC' && (ns < 0n || ns > LAST_DAY)) return; // local mean time with seconds, year 10000: not written
        const time = compileTime({ format, zone });
        const floor = ns - (((ns % unit) + unit) % unit);
        expect(isoToEpochNs(time.parse(time.format(ns)))).toBe(floor);
      },
    ),
    { numRuns: 500 },
  );
});

test('epoch nanoseconds and UTC text are each other', () => {
  fc.assert(
    fc.property(nanoseconds, (ns) => {
      expect(isoToEpochNs(epochNsToIso(ns))).toBe(ns);
      expect(BigInt(isoToEpochMs(epochNsToIso(ns)))).toBe((ns - (((ns % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n);
    }),
  );
  expect(epochNsToIso(1_594_512_094_385_974_000n)).toBe('2020-07-12T00:01:34.385974Z');
  expect(epochNsToIso(0n)).toBe('1970-01-01T00:00:00Z');
  expect(() => isoToEpochNs('2025-01-01')).toThrow(TimeError);
  expect(() => isoToEpochNs('2025-99-01T00:00:00Z')).toThrow(TimeError);
  expect(() => epochNsToIso(253_402_300_800_000_000_000n)).toThrow(TimeError);
});

test('every wall-clock time of a zone is the one that Luxon finds, but for the hours that were skipped', async () => {
  const { DateTime } = await import('luxon');
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1950-01-01'), max: new Date('2037-12-31'), noInvalidDate: true }),
      fc.constantFrom(CHICAGO, 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kolkata', 'Pacific/Apia', 'Africa/Casablanca'),
      (date, zone) => {
        const wall = date.toISOString().slice(0, 23);
        const luxon = DateTime.fromISO(wall, { zone });
        if (luxon.toISO({ includeOffset: false }) !== wall) return; // skipped: Luxon moves it
        const earliest = luxon.getPossibleOffsets().reduce((first, next) => DateTime.min(first, next));
        expect(compileTime({ zone }).parse(wall)).toBe(earliest.toUTC().toISO());
      },
    ),
    { numRuns: 1000 },
  );
});
