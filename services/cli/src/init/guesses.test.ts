/** Each guess by itself: what it must see, and what it must not take for something. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Column, countTexts } from './column.ts';
import { guessDialect, guessFormat } from './format.ts';
import { guessKey } from './key.ts';
import { Names, safeName, wordsOf } from './name.ts';
import { guessNumber } from './number.ts';
import { jsonColumns } from './records.ts';
import { guessSentinels } from './sentinel.ts';
import { guessTime } from './time.ts';
import { timeOf } from './timeColumn.ts';
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
    [column('serial', '1709280000125', '1709280000123'), undefined],
    [column('ts', '12', '13'), undefined],
    [column('amount', '20240301', '20240302'), undefined],
    [column('date', '20240301', '20240302'), 'yyyyMMdd'],
  ])('numbers since 1970: %j', (texts, format) => {
    expect(timeOf(texts)?.format).toBe(format);
  });
});

describe('numbers', () => {
  test.each([
    [['1', '-2', '+3'], { type: 'int', decimal: '.', strip: '' }],
    [['1.5', '2', '1e-3'], { type: 'float', decimal: '.', strip: '' }],
    [['1,5', '2'], { type: 'float', decimal: ',', strip: '' }],
    [['1.234,5', '7'], { type: 'float', decimal: ',', strip: '.' }],
    [['1,234.5', '7'], { type: 'float', decimal: '.', strip: ',' }],
    [["1'234.5", '7'], { type: 'float', decimal: '.', strip: "'" }],
    [['1,234', '2,060', '7'], { type: 'int', decimal: '.', strip: ',', ambiguous: true }],
    [['21.5 °C', '7 °C'], { type: 'float', strip: ' °C', unit: '°C' }],
    [['9007199254740993'], { type: 'int' }],
    [['0.5', '0', '0.0'], { type: 'float' }],
  ])('%j', (texts, expected) => {
    expect(guessNumber(counts(...texts), '.')).toMatchObject(expected);
  });

  test.each([[['007', '042']], [['123456789012345678901']], [['1', 'two', 'three']], [['a']], [[]], [['1.2.3']], [['NA']]])(
    '%j are no numbers',
    (texts) => {
      expect(guessNumber(counts(...texts), '.')).toBeNull();
    },
  );

  test('a comma that can be both is what the rest of the file says', () => {
    expect(guessNumber(counts('1,234', '2,060'), ',')).toMatchObject({ type: 'float', decimal: ',' });
  });

  test('a few words among many numbers are named, not guessed to be numbers', () => {
    const texts = [...Array.from({ length: 40 }, (_, n) => String(n)), 'fault', 'NaN', 'fault'];
    expect(guessNumber(counts(...texts), '.')?.others).toEqual(
      new Map([
        ['fault', 2],
        ['NaN', 1],
      ]),
    );
  });
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
])('the unit of %s', (header, name, unit) => {
  expect(guessUnit(header, wordsOf(header))).toEqual({ name, unit });
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

test('of JSON every path to a value is a column; arrays and what changes its kind are none', () => {
  const { columns, others } = jsonColumns([
    { a: 1, b: { c: 'x' }, d: [1] },
    { b: { c: null, e: true }, f: {} },
    { a: { g: 1 }, b: 5 },
  ]);
  expect(columns.map(({ path, texts }) => [path, texts])).toEqual([
    ['b.c', ['x', null, null]],
    ['b.e', [null, 'true', null]],
  ]);
  expect(others).toEqual(['d', 'a', 'b']);
});
