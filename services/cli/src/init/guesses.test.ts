/** Each guess by itself: what it must see, and what it must not take for something. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Column, countTexts } from './column.ts';
import { guessDialect, guessFormat } from './format.ts';
import { guessKey } from './key.ts';
import { Names, safeName, wordsOf } from './name.ts';
import { guessNumber } from './number.ts';
import { guessPositions } from './position.ts';
import { jsonColumns } from './records.ts';
import { guessSentinels } from './sentinel.ts';
import { guessTime } from './time.ts';
import { timeOf, withoutCounters } from './timeColumn.ts';
import { guessType } from './type.ts';
import { guessUnit } from './unit.ts';

const column = (path: string, ...texts: (string | null)[]): Column => ({ path, texts, unnamed: false });
const counts = (...texts: string[]): Map<string, number> => countTexts({ texts });

describe('formats of times', () => {
  const time = (...texts: string[]) => guessTime(counts(...texts), texts);
  test.each([
    [['2024-03-01T08:00:00Z', '2024-03-01T08:00:00.123+01:00'], 'iso'],
    [['2024-03-01 08:00', '2024-03-01 08:00:01,5'], 'iso'],
    [['01/03/2024 08:00', '13/03/2024 08:00'], 'dd/MM/yyyy HH:mm'],
    [['3/1/24 8:00 AM', '3/13/24 12:30 PM'], 'M/d/yy h:mm a'],
    [['1.3.2024 8:00', '13.12.2024 18:00'], 'd.M.yyyy H:mm'],
    [['2025 Apr 15 06:52:00 PM', '2017 Jun 06 12:00:00 AM'], 'yyyy MMM dd hh:mm:ss a'],
    [['01-Mar-2024 08:00:00', '31-Dec-2024 08:00:00'], 'dd-MMM-yyyy HH:mm:ss'],
    [['March 1, 2024 08:00', 'December 13, 2024 09:00'], 'MMMM d, yyyy HH:mm'],
    [['Fri, 01 Mar 2024 08:00:00 GMT'], "EEE, dd MMM yyyy HH:mm:ss 'GMT'"],
    [['20240301080000', '20241231235959'], 'yyyyMMddHHmmss'],
    [['20240301T080000Z'], "yyyyMMdd'T'HHmmss'Z'"],
    [['2024/03/01 08:00:00.123456'], 'yyyy/MM/dd HH:mm:ss.u'],
    [['28. März 2024 12:00', '1. April 2024 9:00'], 'd. MMMM yyyy H:mm'],
    [['12 févr. 2024 à 08:00', '1 mars 2024 à 08:00'], "d MMM yyyy 'à' HH:mm"],
    [['3 de mayo de 2024', '31 de diciembre de 2024'], "d 'de' MMMM 'de' yyyy"],
    [['01-Mär-24', '31-Dez-24'], 'dd-LLL-yy'],
    [['31 Dec 2024', '1 Mar 2024'], 'd MMM yyyy'],
    [['18.00.00', '19.30.00'], 'H.mm.ss'],
    [['08:00', '19:30'], 'HH:mm'],
  ])('%j is %s', (texts, format) => {
    expect(time(...texts)?.format).toBe(format);
  });

  test.each([[['hello']], [['1.5', '2.5']], [['10.0.0.1', '10.0.0.2']], [['31/02/2024']], [['1-2']], [['13/13/2024']]])(
    '%j is none',
    (texts) => {
      expect(time(...texts)).toBeNull();
    },
  );

  test('the language of the months is named, and a date alone is one', () => {
    expect(time('28. März 2024', '1. April 2024')).toMatchObject({ locale: 'de', kind: 'date' });
    expect(time('1 March 2024', '2 April 2024')).toMatchObject({ locale: null, kind: 'date' });
    expect(time('5 mayo 2024 08:00')).toMatchObject({ locale: 'es', kind: 'time' });
  });

  test('a column with the name of a time may end with a few other words, another one may not', () => {
    const texts = ['2024-03-01', '2024-03-02', '2024-03-03', 'Total'];
    expect(timeOf(column('Date', ...texts))?.others).toEqual(new Map([['Total', 1]]));
    expect(timeOf(column('note', ...texts))).toBeNull();
  });

  test('what counts microseconds since a radio was switched on is no time', () => {
    const [counter, at] = [column('timestamp', '1716000000', '1000000001'), column('received_at', '2024-05-27T08:00:00Z')];
    const found = [counter, at].flatMap((each) => ({ column: each, guess: timeOf(each) ?? never() }));
    expect(withoutCounters(found).map(({ column: { path } }) => path)).toEqual(['received_at']);
    const near = column('ts', '1716796800000');
    expect(withoutCounters([{ column: near, guess: timeOf(near) ?? never() }], found.slice(1))).toHaveLength(1);
  });

  test('day and month: a number above 12, else the order of the rows, else assumed and said', () => {
    expect(time('01/02/2024', '02/13/2024')?.order).toMatchObject({ decided: true, other: 'dd/MM/yyyy' });
    const days = ['01/01/2024', '02/01/2024', '03/01/2024', '04/01/2024'];
    expect(time(...days)).toMatchObject({ format: 'dd/MM/yyyy' });
    const byOrder = time('11/01/2024', '12/01/2024', '01/02/2024', '02/02/2024');
    expect(byOrder).toMatchObject({
      format: 'dd/MM/yyyy',
      order: { decided: true, reason: expect.stringContaining('order of time') },
    });
    const months = time('01/11/2024', '01/12/2024', '02/01/2024', '02/02/2024');
    expect(months).toMatchObject({ format: 'MM/dd/yyyy', order: { decided: true, other: 'dd/MM/yyyy' } });
    expect(time('01/02/2024')?.order).toMatchObject({
      decided: false,
      reason: expect.stringContaining('ASSUMED'),
      other: 'MM/dd/yyyy',
    });
  });

  test.each([
    [column('ts', '1709280000', '1709280001.5'), 'epoch_s'],
    [column('t', '1709280000123'), 'epoch_ms'],
    [column('counter', '1709280000123', '1709280000124', '1709280000125'), 'epoch_ms'],
    [column('when', '1716760513715797500'), 'epoch_ns'],
    [column('counter', '1709280000', '1709280001', '1709280002'), undefined],
    [{ ...column('column1', '1709280000', '1709280001', '1709280002'), unnamed: true }, 'epoch_s'],
    [column('serial', '1709280000125', '1709280000123'), undefined],
    [column('ts', '12', '13'), undefined],
    [column('timestamp', '3012345678', '3012399999'), undefined], // 2065
    [column('amount', '20240301', '20240302'), undefined],
    [column('date', '20240301', '20240302'), 'yyyyMMdd'],
  ])('numbers since 1970: %j', (texts, format) => {
    expect(timeOf(texts)?.format).toBe(format);
  });
});

const never = (): never => {
  throw new Error('no time');
};
const POINT = { mark: '.', isSure: false } as const;

describe('numbers', () => {
  test.each([
    [['1', '-2', '+3'], { type: 'int', decimal: '.', strip: '' }],
    [['1.5', '2', '1e-3'], { type: 'float', decimal: '.', strip: '' }],
    [['1,5', '2'], { type: 'float', decimal: ',', strip: '' }],
    [['1.234,5', '7'], { type: 'float', decimal: ',', strip: '.' }],
    [['1,234.5', '7'], { type: 'float', decimal: '.', strip: ',' }],
    [["1'234.5", '7'], { type: 'float', decimal: '.', strip: "'" }],
    [['1,234', '2,060', '7'], { type: 'int', decimal: '.', strip: ',', ambiguous: ',' }],
    [['12.345', '0.500'], { type: 'float', decimal: '.', strip: '', ambiguous: null }],
    [['12.345', '13.456'], { type: 'float', decimal: '.', strip: '', ambiguous: '.' }],
    [['1.204', '980'], { type: 'float', decimal: '.', ambiguous: '.' }],
    [['$1,204.50', '$7.00'], { type: 'float', strip: ',$', unit: '$' }],
    [['21.5 °C', '7 °C'], { type: 'float', strip: ' °C', unit: '°C' }],
    [['9007199254740993'], { type: 'int' }],
    [['0.5', '0', '0.0'], { type: 'float' }],
  ])('%j', (texts, expected) => {
    expect(guessNumber(counts(...texts), POINT)).toMatchObject(expected);
  });

  test.each([[['007', '042']], [['123456789012345678901']], [['1', 'two', 'three']], [['a']], [[]], [['1.2.3']], [['NA']]])(
    '%j are no numbers',
    (texts) => {
      expect(guessNumber(counts(...texts), POINT)).toBeNull();
    },
  );

  test('three digits behind a point are thousands only where the file says so', () => {
    expect(guessNumber(counts('12.345', '13.456'), { mark: ',', isSure: false })).toMatchObject({ decimal: '.', strip: '' });
    expect(guessNumber(counts('12.345', '13.456'), { mark: ',', isSure: true })).toMatchObject({ decimal: ',', strip: '.' });
    expect(guessNumber(counts('12.345', '13.456'), { mark: ',', isSure: true }, true)).toMatchObject({ decimal: '.', strip: '' });
  });

  test('a comma that can be both is what the rest of the file says', () => {
    expect(guessNumber(counts('1,234', '2,060'), { mark: ',', isSure: true })).toMatchObject({ type: 'float', decimal: ',' });
  });

  test('a few words among many numbers are named, not guessed to be numbers', () => {
    const texts = [...Array.from({ length: 40 }, (_, n) => String(n)), 'fault', 'NaN', 'fault'];
    expect(guessNumber(counts(...texts), POINT)?.others).toEqual(
      new Map([
        ['fault', 2],
        ['NaN', 1],
      ]),
    );
  });
});

test('a column of nothing but MM holds no value, one of nothing but offline does', () => {
  const context = {
    preferred: POINT,
    sentinels: new Set<number>(),
    zone: 'UTC',
    measured: false,
    flag: false,
    versioned: false,
    counted: false,
    isNumber: false,
  };
  expect(guessType(counts('MM', '-'), null, context).field).toEqual({ type: 'text', nulls: ['MM', '-'] });
  expect(guessType(counts('offline'), null, context).field).toEqual({ type: 'text' });
  expect(guessType(counts('offline', '2'), null, context).field).toEqual({ type: 'int', nulls: ['offline'] });
  expect(guessType(counts('2.1', '2.10'), null, { ...context, versioned: true }).field).toEqual({ type: 'text' });
  expect(guessType(counts('230', '231'), null, { ...context, isNumber: true }).field).toEqual({ type: 'float' });
  expect(guessType(counts('0', '1'), null, { ...context, isNumber: true }).field).toEqual({ type: 'int' });
});

describe('numbers that stand for "no value"', () => {
  const found = (numbers: number[], elsewhere: number[] = []) => {
    const map = new Map<number, number>();
    for (const number of numbers) map.set(number, (map.get(number) ?? 0) + 1);
    return guessSentinels(map, new Set(elsewhere)).map(({ value, count }) => [value, count]);
  };
  test.each([
    [[20, 21, -999, 22, -999], [], [[-999, 2]]],
    [[0.5, 0.9, -200, -200], [], [[-200, 2]]],
    [[1, 2, 9999], [], [[9999, 1]]],
    [[2, 1479, 300, -200], [-200], [[-200, 1]]],
    [[-999, -990, -980, 5], [], []], // within the range
    [[100, 200, 300, 999, 1200], [], []],
    [[20, 21, -40], [], []],
    [[1, 2, -100], [], []], // once only, and it may be a value
    [[-999], [], []],
    [[-999, -999], [-999], [[-999, 2]]],
  ])('%j, elsewhere %j', (numbers, elsewhere, expected) => {
    expect(found(numbers, elsewhere)).toEqual(expected);
  });
});

test.each([
  ['Temp (°C)', 'Temp', '°C'],
  ['speed_kph', 'speed_kph', 'km/h'],
  ['CO(GT)', 'CO(GT)', null],
  ['Feuchte [%]', 'Feuchte', '%'],
  ['air_temp_c', 'air_temp_c', '°C'],
  ['vitamin_c', 'vitamin_c', null],
  ['PM2.5 (µg/m³)', 'PM2.5', 'µg/m³'],
  ['Latitude', 'Latitude', '°'],
  ['v', 'v', null],
  ['readings.v', 'readings.v', null],
  ['bat_v', 'bat_v', 'V'],
  ['BatV', 'BatV', 'V'],
  ['battery.mv', 'battery.mv', 'mV'],
])('the unit of %s', (header, name, unit) => {
  expect(guessUnit(header, wordsOf(header))).toEqual({ name, unit });
});

test('latitude and longitude come in pairs, and lie on the Earth', () => {
  const found = (columns: Record<string, number[]>) =>
    [...guessPositions(Object.entries(columns).map(([path, numbers]) => ({ path, numbers })))].map(([path, { name }]) => [
      path,
      name,
    ]);
  expect(found({ lat: [1], lng: [2], v: [3] })).toEqual([
    ['lat', 'position_lat'],
    ['lng', 'position_lon'],
  ]);
  expect(found({ 'fix.lat': [1], 'fix.lon': [2], Depot_Latitude: [3], Depot_Longitude: [4] }).map(([, name]) => name)).toEqual([
    'position_lat',
    'position_lon',
    'depot_lat',
    'depot_lon',
  ]);
  expect(found({ 'geometry.coordinates.0': [170], 'geometry.coordinates.1': [1] }).map(([path]) => path)).toEqual([
    'geometry.coordinates.1',
    'geometry.coordinates.0',
  ]);
  expect(found({ lat: [1] })).toEqual([]);
  expect(found({ lat: [91], lon: [2] })).toEqual([]);
  expect(found({ lat: [1], lon: [-999] })).toEqual([]);
  expect(found({ lat: [], lon: [] })).toEqual([]);
});

describe('the key', () => {
  const rows = (path: string, ...texts: string[]): Column => column(path, ...texts);
  test.each<[Column[], string | undefined]>([
    [[rows('status', 'a', 'a', 'b', 'b'), rows('sensor_id', 's', 's', 't', 't')], 'sensor_id'],
    [[rows('id', '1', '2', '3', '4'), rows('room', 'x', 'y', 'x', 'y')], 'room'],
    [[rows('message_id', 'm', 'm', 'n', 'n')], undefined],
    [[rows('detector_id', '1', '2', '3', '4', '5')], 'detector_id'],
    [[rows('who', 'a', 'b', 'a', 'b', 'a')], 'who'],
    [[rows('count', '1', '2', '1', '2')], undefined],
    [[rows('id', '7', '7', '8', '8')], 'id'],
    [[rows('station', 'MM', 'MM', '-')], undefined],
  ])('%#', (columns, path) => {
    expect(guessKey(columns)?.column.path).toBe(path);
  });
});

describe('names', () => {
  test.each([
    ['avgSpeedKph', 'avg_speed_kph'],
    ['airPressureHPa', 'air_pressure_hpa'],
    ['powerKWh', 'power_kwh'],
    ['Größe', 'grosse'],
    ['  PM2.5 ', 'pm2_5'],
    ['order', 'order_'],
    ['time', 'time_'],
    ['2nd', 'n2nd'],
    ['温度', 'column7'],
    ['__proto__', 'proto'],
  ])('%j is %s', (name, expected) => {
    expect(safeName(name, 'column7')).toBe(expected);
  });

  test('whatever the header says, names are allowed and different', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a', 'A', 'a_2', 'order', ''))), (headers) => {
        const names = new Names();
        const given = headers.map((header, at) =>
          names.take(safeName(header, `column${at + 1}`), header.length % 2 ? ['_lat', '_lon'] : []),
        );
        expect(new Set(given).size).toBe(given.length);
        for (const name of given) expect(name).toMatch(/^[a-z][a-z0-9_]{0,52}$/);
      }),
    );
  });
});

describe('how a file is written', () => {
  test.each([
    ['a,b\n1,2\n', { delimiter: ',', header: 1, names: ['a', 'b'] }],
    ['a;b\n1,5;2,5\n', { delimiter: ';', header: 1 }],
    ['Station;X\nUnit;none\n\na;b;c\n1;2;3\n4;5;6\n7;8;9\n', { delimiter: ';', header: 3 }],
    ['2024-01-01,1\n2024-01-02,2\n', { delimiter: ',', header: 0, names: ['column1', 'column2'] }],
    ['a\n1\n', { delimiter: ',', header: 1, names: ['a'] }],
    [
      '# of station 7\n# units: C\ndate time temp hum\n2024-01-01 00:00 1 2\n2024-01-01 00:10 1 2\n',
      { delimiter: ' ', header: 3 },
    ],
    ['#time,a\n2024-01-01,1\n2024-01-02,1\n', { header: 1, names: ['#time', 'a'] }],
    [
      '"TOA5","X","1","a"\n"TS","V","T"\n"TS","Volts","C"\n"","Avg","Min"\n"2024-01-01",1,2\n"2024-01-02",1,2\n"2024-01-03",1,2\n"2024-01-04",1,2\n"2024-01-05",1,2\n',
      { header: 2, skip: 2 },
    ],
    ['a,b\nx,y\nz,w\n1,2\n', { header: 1, skip: 0 }],
    ['time,v\n,20\n2024-01-01,1\n2024-01-02,2\n', { header: 1, skip: 0 }], // a record without its time is refused, not passed over
    ['#a  b  c\n#m  s  V\n1   2  3\n4 5  6\n', { delimiter: 'whitespace', header: 1, skip: 1, units: ['m', 's', 'V'] }],
    ['# of station  7\n a  b\n1   2\n4 5\n6 7\n8 9\n', { delimiter: 'whitespace', header: 2 }],
    [
      't;v;v\n;A;B\n;kW;%\n01.03.2024;1;2\n02.03.2024;1;2\n03.03.2024;1;2\n04.03.2024;1;2\n',
      { isJoined: true, names: ['t', 'v A', 'v B'], units: [null, 'kW', '%'] },
    ],
    ['a\tb\n5" pipe\t1\n6" pipe\t2\n', { delimiter: '\t', quote: '' }],
    ["a,b\n'x,y',1\n'z',2\n", { delimiter: ',', header: 1 }],
  ])('%j', (text, expected) => {
    expect(guessDialect(text)).toMatchObject(expected);
  });

  test.each([
    ['{"a":1}\n{"a":2}', 'ndjson'],
    ['{\n "a": 1\n}\n', 'json'],
    ['[{"a":1}]', 'json'],
    ['a,b\n', 'csv'],
  ])('%j is %s', (text, format) => {
    expect(guessFormat(text)).toBe(format);
  });
});

test('of JSON every path to a value is a column, and so is each place of a short array of numbers; what changes its kind is none', () => {
  const { columns, others, lists } = jsonColumns([
    { a: 1, b: { c: 'x' }, d: ['p', 1], v: [1, null], w: [1] },
    { b: { c: null, e: true }, f: {}, v: [2.5], w: [1, 2, 3, 4, 5, 6, 7, 8, 9], l: [{ x: 1 }, { x: 2 }] },
    { a: { g: 1 }, b: 5, v: [] },
  ]);
  expect(columns.map(({ path, texts }) => [path, texts])).toEqual([
    ['b.c', ['x', null, null]],
    ['v.0', ['1', '2.5', null]],
    ['v.1', [null, null, null]],
    ['b.e', [null, 'true', null]],
  ]);
  expect(others).toEqual(['d', 'w', 'l', 'a', 'b']);
  expect([...lists]).toEqual([['l', 2]]);
});
