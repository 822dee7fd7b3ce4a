/** For tests: files as people have them, and the rows that a person expects of each. */
import { gzipSync } from 'node:zlib';

export interface Awkward {
  what: string;
  file: string;
  content: Buffer;
  zone?: string;
  /** The rows in order of time: values by column, as the database gives them (bigint and time as text). */
  rows: Record<string, unknown>[];
  /** What the Pipeline must say to whoever reads it. */
  says: RegExp[];
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** As the UCI set "Air Quality" is written: date and time apart, decimal comma, -200 for none, empty columns and rows at the end. */
const AIR = [
  'Date;Time;CO(GT);PT08.S1(CO);NMHC(GT);T;RH;AH;;',
  '10/03/2004;18.00.00;2,6;1360;150;13,6;48,9;0,7578;;',
  '10/03/2004;19.00.00;2;1292;112;13,3;47,7;0,7255;;',
  '10/03/2004;20.00.00;-200;1402;-200;11,9;54;0,7502;;',
  '11/03/2004;00.00.00;1,2;-200;-200;-200;-200;-200;;',
  '31/03/2004;01.00.00;1,2;1197;38;11,2;59,6;0,7848;;',
  ';;;;;;;;;',
  ';;;;;;;;;',
].join('\r\n');

export const AWKWARD: readonly Awkward[] = [
  {
    what: 'semicolons, decimal comma, date and time apart, -200, empty columns and rows at the end',
    file: 'AirQualityUCI.csv',
    content: Buffer.from(AIR),
    zone: 'Europe/Rome',
    rows: [
      {
        time: '2004-03-10T17:00:00.000Z',
        device: 'AirQualityUCI',
        co_gt: 2.6,
        pt08_s1_co: '1360',
        nmhc_gt: '150',
        t: 13.6,
        rh: 48.9,
        ah: 0.7578,
      },
      {
        time: '2004-03-10T18:00:00.000Z',
        device: 'AirQualityUCI',
        co_gt: 2,
        pt08_s1_co: '1292',
        nmhc_gt: '112',
        t: 13.3,
        rh: 47.7,
        ah: 0.7255,
      },
      {
        time: '2004-03-10T19:00:00.000Z',
        device: 'AirQualityUCI',
        co_gt: null,
        pt08_s1_co: '1402',
        nmhc_gt: null,
        t: 11.9,
        rh: 54,
        ah: 0.7502,
      },
      {
        time: '2004-03-10T23:00:00.000Z',
        device: 'AirQualityUCI',
        co_gt: 1.2,
        pt08_s1_co: null,
        nmhc_gt: null,
        t: null,
        rh: null,
        ah: null,
      },
      {
        time: '2004-03-30T23:00:00.000Z',
        device: 'AirQualityUCI',
        co_gt: 1.2,
        pt08_s1_co: '1197',
        nmhc_gt: '38',
        t: 11.2,
        rh: 59.6,
        ah: 0.7848,
      },
    ],
    says: [
      /-200 \(2 times\) is taken for "no value"/,
      /one device/,
      /Day before month: a first number is above 12/,
      /that of --zone/,
    ],
  },
  {
    what: 'latin-1 with a degree sign, a name in German, a point in dates',
    file: 'Außen Messung.txt',
    content: latin1(
      'Gerät|Zeit|Temp (°C)|Feuchte [%]|Straße\nDach|01.03.2024 08:00|18,5|40|Größe\nDach|01.03.2024 08:05|19,25|41|Öl\nDach|13.03.2024 08:10|n/a|42|\n',
    ),
    rows: [
      { time: '2024-03-01T08:00:00.000Z', gerat: 'Dach', temp: 18.5, feuchte: 40, strasse: 'Größe' },
      { time: '2024-03-01T08:05:00.000Z', gerat: 'Dach', temp: 19.25, feuchte: 41, strasse: 'Öl' },
      { time: '2024-03-13T08:10:00.000Z', gerat: 'Dach', temp: null, feuchte: 42, strasse: null },
    ],
    says: [/encoding: latin-1/, /unit: °C/, /unit: "%"/, /UTC is ASSUMED/, /"n\/a" \(once\) is no value/],
  },
  {
    what: 'nested ndjson, milliseconds since 1970, late nulls and a late fraction',
    file: 'nested.ndjson.gz',
    content: gzipSync(
      [
        { dev: { id: 'a-1', fw: '1.0' }, t: 1709280000123, values: { x: 1, y: true }, tags: ['p', 'q'] },
        { dev: { id: 'a-2', fw: '1.0' }, t: 1709280001000, values: { x: 2, y: false }, tags: [] },
        { dev: { id: 'a-1', fw: '1.1' }, t: 1709280002000, values: { x: null, y: null }, tags: [] },
        { dev: { id: 'a-1' }, t: 1709280003000, values: { x: 2.5, z: 'late' } },
      ]
        .map((record) => JSON.stringify(record))
        .join('\n'),
    ),
    rows: [
      { time: '2024-03-01T08:00:00.123Z', dev_id: 'a-1', dev_fw: 1, x: 1, y: true, z: null, extra: { tags: ['p', 'q'] } },
      { time: '2024-03-01T08:00:01.000Z', dev_id: 'a-2', dev_fw: 1, x: 2, y: false, z: null, extra: { tags: [] } },
      { time: '2024-03-01T08:00:02.000Z', dev_id: 'a-1', dev_fw: 1.1, x: null, y: null, z: null, extra: { tags: [] } },
      { time: '2024-03-01T08:00:03.000Z', dev_id: 'a-1', dev_fw: null, x: 2.5, y: null, z: 'late', extra: null },
    ],
    says: [/from: values\.x/, /format: epoch_ms/, /kept in "extra": tags/],
  },
  {
    what: 'US dates of 12 hours, thousands commas, percent signs behind numbers',
    file: 'us.csv',
    content: Buffer.from(
      'Station ID,Reading Date,Flow,Fill\n0071,1/2/2024 9:05 AM,"1,234.5",45%\n0071,1/2/2024 12:00 PM,"12,000.0",46.5%\n0108,1/25/2024 1:15 PM,7.5,47%\n',
    ),
    zone: 'America/Chicago',
    rows: [
      { time: '2024-01-02T15:05:00.000Z', station_id: '0071', flow: 1234.5, fill: 45 },
      { time: '2024-01-02T18:00:00.000Z', station_id: '0071', flow: 12000, fill: 46.5 },
      { time: '2024-01-25T19:15:00.000Z', station_id: '0108', flow: 7.5, fill: 47 },
    ],
    says: [/Month before day: a second number is above 12/, /unit: "%"/],
  },
  {
    what: 'tabs, values with line breaks in quotes',
    file: 'tab.tsv',
    content: Buffer.from(
      'node\twhen\tnote\tv\nn1\t2024-05-01T00:00:00Z\t"two\nlines"\t1\nn2\t2024-05-01T00:00:01Z\t"a ""quote"""\t2\nn1\t2024-05-01T00:00:02Z\t\t3\n',
    ),
    rows: [
      { time: '2024-05-01T00:00:00.000Z', node: 'n1', note: 'two\nlines', v: '1' },
      { time: '2024-05-01T00:00:01.000Z', node: 'n2', note: 'a "quote"', v: '2' },
      { time: '2024-05-01T00:00:02.000Z', node: 'n1', note: null, v: '3' },
    ],
    says: [/format: csv/, /delimiter: "\\t"/],
  },
  {
    what: 'a byte order mark, CRLF, yes and no, integers beyond 2^53, codes with leading zeros',
    file: 'bom.csv',
    content: Buffer.from(
      '\ufeffdevice,ts,big,huge,code,open,pump\r\na,1716760513715797501,9007199254740993,123456789012345678901,007,yes,ON\r\nb,1716760513715797502,-9007199254740995,2,042,No,off\r\n',
    ),
    rows: [
      {
        time: '2024-05-26T21:55:13.715Z',
        time_ns: '1716760513715797501',
        device: 'a',
        big: '9007199254740993',
        huge: '123456789012345678901',
        code: '007',
        open: true,
        pump: true,
      },
      {
        time: '2024-05-26T21:55:13.715Z',
        time_ns: '1716760513715797502',
        device: 'b',
        big: '-9007199254740995',
        huge: '2',
        code: '042',
        open: false,
        pump: false,
      },
    ],
    says: [/nanoseconds: true/, /leading zeros: text/, /longer than a whole number of 64 bits: text/],
  },
  {
    what: 'a JSON array over several lines, keys in camel case, a point as WKT',
    file: 'array.json',
    content: Buffer.from(
      JSON.stringify(
        [
          { sensorId: 7, observedAt: '2024-02-29 23:59:59.5+01:00', where: 'POINT (-97.5 30.25)', airPressureHPa: 1013 },
          { sensorId: 8, observedAt: '2024-03-01 00:00:00+01:00', where: 'POINT EMPTY', airPressureHPa: 1012 },
        ],
        null,
        2,
      ),
    ),
    rows: [
      {
        time: '2024-02-29T22:59:59.500Z',
        sensor_id: '7',
        where__lat: 30.25,
        where__lon: -97.5,
        air_pressure_hpa: 1013,
        extra: null,
      },
      {
        time: '2024-02-29T23:00:00.000Z',
        sensor_id: '8',
        where__lat: null,
        where__lon: null,
        air_pressure_hpa: 1012,
        extra: null,
      },
    ],
    says: [/type: point/, /unit: hPa/],
  },
  {
    what: 'names that come twice, are empty, or are words of SQL; lines before the header',
    file: 'select.csv',
    content: Buffer.from(
      'Logger: X-1\n\nfrom,time,temp,temp,,order,Größe 2\nA,2024-01-01,1.5,2.5,x,1,5\nA,2024-01-02,1.5,2.75,,2,6\nB,2024-01-03,3.5,4,y,3,-\n',
    ),
    rows: [
      { time: '2024-01-01T00:00:00.000Z', from_: 'A', temp: 1.5, temp_2: 2.5, column5: 'x', order_: '1', grosse_2: '5' },
      { time: '2024-01-02T00:00:00.000Z', from_: 'A', temp: 1.5, temp_2: 2.75, column5: null, order_: '2', grosse_2: '6' },
      { time: '2024-01-03T00:00:00.000Z', from_: 'B', temp: 3.5, temp_2: 4, column5: 'y', order_: '3', grosse_2: null },
    ],
    says: [/header: 2/, /temp_2/],
  },
  {
    what: 'no header, single quotes',
    file: 'headless.csv',
    content: Buffer.from(
      "'d1','2024-01-01 10:00:00','1,5'\n'd2','2024-01-01 10:00:01','2,5'\n'd1','2024-01-01 10:00:02','3,5'\n",
    ),
    rows: [
      { time: '2024-01-01T10:00:00.000Z', column1: 'd1', column3: 1.5 },
      { time: '2024-01-01T10:00:01.000Z', column1: 'd2', column3: 2.5 },
      { time: '2024-01-01T10:00:02.000Z', column1: 'd1', column3: 3.5 },
    ],
    says: [/header: 0/, /quote: "'"/, /columns:/],
  },
  {
    what: 'year, month, day and hour in columns of their own, NA for none',
    file: 'parts.csv',
    content: Buffer.from('No,year,month,day,hour,pm2.5,cbwd\n1,2010,1,1,0,NA,NW\n2,2010,1,1,23,129,NW\n3,2010,12,31,5,148,cv\n'),
    rows: [
      { time: '2010-01-01T00:00:00.000Z', pm2_5: null, cbwd: 'NW' },
      { time: '2010-01-01T23:00:00.000Z', pm2_5: '129', cbwd: 'NW' },
      { time: '2010-12-31T05:00:00.000Z', pm2_5: '148', cbwd: 'cv' },
    ],
    says: [/and: \[ month, day, hour \]/],
  },
  {
    what: 'a logger with lines before the header and units behind it',
    file: 'CR1000.dat',
    content: Buffer.from(
      '"TOA5","CR1000","CR1000","1234","Std.27","CPU:x","555","Table1"\r\n"TIMESTAMP","RECORD","BattV","AirTC"\r\n"TS","RN","Volts","Deg C"\r\n"","","Min","Avg"\r\n"2024-01-01 00:00:00",0,12.5,"NAN"\r\n"2024-01-01 00:10:00",1,12.25,3.5\r\n"2024-01-01 00:20:00",2,12,3\r\n"2024-01-01 00:30:00",3,12,2\r\n"2024-01-01 00:40:00",4,12,1\r\n',
    ),
    rows: [
      { time: '2024-01-01T00:00:00.000Z', device: 'CR1000', record: '0', batt_v: 12.5, air_tc: null },
      { time: '2024-01-01T00:10:00.000Z', device: 'CR1000', record: '1', batt_v: 12.25, air_tc: 3.5 },
      { time: '2024-01-01T00:20:00.000Z', device: 'CR1000', record: '2', batt_v: 12, air_tc: 3 },
      { time: '2024-01-01T00:30:00.000Z', device: 'CR1000', record: '3', batt_v: 12, air_tc: 2 },
      { time: '2024-01-01T00:40:00.000Z', device: 'CR1000', record: '4', batt_v: 12, air_tc: 1 },
    ],
    says: [/header: 2/, /skip: 2/],
  },
  {
    what: 'UTF-16 with tabs, as a spreadsheet saves Unicode text',
    file: 'unicode.csv',
    content: Buffer.from('\ufeffroom\tZeitpunkt\tµg\nKüche\t2024-06-01 12:00\t1\nBad\t2024-06-01 12:01\t2\n', 'utf16le'),
    rows: [
      { time: '2024-06-01T12:00:00.000Z', room: 'Küche', ug: '1' },
      { time: '2024-06-01T12:01:00.000Z', room: 'Bad', ug: '2' },
    ],
    says: [/encoding: utf-16le/],
  },
];
