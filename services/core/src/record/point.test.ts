import { expect, test } from 'vitest';
import { PointError, parsePoint } from './point.ts';

test.each([
  ['POINT (-97.842659 30.428783)', { lon: -97.842659, lat: 30.428783 }],
  ['point(-97.8 30)', { lon: -97.8, lat: 30 }],
  [' POINT Z (1 2 3) ', { lon: 1, lat: 2 }],
  ['POINT ZM (1 2 3 4)', { lon: 1, lat: 2 }],
  ['SRID=4326;POINT(180 -90)', { lon: 180, lat: -90 }],
  ['POINT (1e1 -.5)', { lon: 10, lat: -0.5 }],
  ['POINT EMPTY', null],
])('%s', (text, expected) => {
  expect(parsePoint(text)).toEqual(expected);
});

test.each([
  '',
  'POINT',
  'POINT ()',
  'POINT (1)',
  'POINT (1, 2)',
  'POINT (1 2',
  'POINT (a b)',
  'POINT (NaN 1)',
  'LINESTRING (1 2, 3 4)',
  'SRID=3857;POINT(1 2)',
])('no point: %j', (text) => {
  expect(() => parsePoint(text)).toThrow(PointError);
});

test('a point off the Earth, such as latitude first, is refused', () => {
  expect(() => parsePoint('POINT (30.428783 -97.842659)')).toThrow(/latitude -97.842659.*-90 to 90/);
  expect(() => parsePoint('POINT (181 0)')).toThrow(/longitude 181/);
});

test.each([
  ['digits', `POINT (${'1'.repeat(1_000_000)}x`, /allowed is a WKT point/],
  ['digits and no more', `POINT (${'1'.repeat(1_000_000)} 1)`, /longitude 1{40} \(it stands first\)/],
  ['spaces', `POINT${' '.repeat(1_000_000)}x`, /allowed is a WKT point/],
])('a million %s do not hold the others up', (_what, text, message) => {
  expect(() => parsePoint(text)).toThrow(message);
});
