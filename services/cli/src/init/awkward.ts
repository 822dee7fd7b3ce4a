/** For tests: files as people have them, and the rows that a person expects of each. */
import { gzipSync } from 'node:zlib';

export interface Awkward {
  what: string;
  file: string;
  content: Buffer;
  zone?: string;
  /** How many records a person would not call good, such as totals; 0 where it is left out. */
  refused?: number;
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
      { time: '2024-03-01T08:00:00.123Z', dev_id: 'a-1', dev_fw: '1.0', x: 1, y: true, z: null, extra: { tags: ['p', 'q'] } },
      { time: '2024-03-01T08:00:01.000Z', dev_id: 'a-2', dev_fw: '1.0', x: 2, y: false, z: null, extra: { tags: [] } },
      { time: '2024-03-01T08:00:02.000Z', dev_id: 'a-1', dev_fw: '1.1', x: null, y: null, z: null, extra: { tags: [] } },
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
  {
    what: 'columns set with spaces, names and units behind #, MM for none, the time in five columns',
    file: '46042.txt',
    content: Buffer.from(
      '#YY  MM DD hh mm WDIR WSPD  WVHT   PRES  WTMP TIDE\n#yr  mo dy hr mn degT m/s      m    hPa  degC   ft\n2024 05 27 13 50  320  7.0   2.1 1015.2  12.9   MM\n2024 05 27 13 40   MM   MM    MM 1015.1  12.9   MM\n2024 05 27 13 30  310  8.0    MM 1015.0    MM   MM\n2024 05 26 23 50  300  6.0   1.9 1013.2  13.0   MM\n',
    ),
    rows: [
      { time: '2024-05-26T23:50:00.000Z', device: '46042', wdir: 300, wspd: 6, wvht: 1.9, pres: 1013.2, wtmp: 13, tide: null },
      { time: '2024-05-27T13:30:00.000Z', wdir: 310, wspd: 8, wvht: null, pres: 1015, wtmp: null, tide: null },
      { time: '2024-05-27T13:40:00.000Z', wdir: null, wspd: null, wvht: null, pres: 1015.1, wtmp: 12.9, tide: null },
      { time: '2024-05-27T13:50:00.000Z', wdir: 320, wspd: 7, wvht: 2.1, pres: 1015.2, wtmp: 12.9, tide: null },
    ],
    says: [/delimiter: whitespace/, /and: \[ MM, DD, hh, mm \]/, /unit: °C/, /"MM" \(once\) is no value/],
  },
  {
    what: 'the export of an inverter: sep=, five rows that name the columns together, units',
    file: 'inverter.csv',
    content: Buffer.from(
      'sep=;\r\nVersion CSV1|Tool Explorer|Decimalpoint comma\r\n\r\n;SN: 21102;SN: 21102;SN: 21106;SN: 21106\r\n;SB 5000TL;SB 5000TL;SB 3000TL;SB 3000TL\r\n;21102;21102;21106;21106\r\n;Counter;Analog;Counter;Analog\r\nDD.MM.YYYY HH:mm:ss;kWh;kW;kWh;kW\r\n30.03.2024 23:55:00;12345,678;0,000;8345,120;0,000\r\n31.03.2024 01:55:00;12345,679;0,012;8345,121;0,012\r\n31.03.2024 03:00:00;12345,684;0,060;8345,124;0,036\r\n31.03.2024 03:05:00;12345,695;0,132;8345,131;0,084\r\n31.03.2024 03:10:00;12345,713;0,216;8345,142;0,132\r\n',
    ),
    zone: 'Europe/Berlin',
    rows: [
      { time: '2024-03-30T22:55:00.000Z', sn_21102_counter: 12345.678, sn_21102_analog: 0, sn_21106_counter: 8345.12 },
      { time: '2024-03-31T00:55:00.000Z', sn_21102_counter: 12345.679, sn_21102_analog: 0.012, sn_21106_counter: 8345.121 },
      { time: '2024-03-31T01:00:00.000Z', sn_21102_counter: 12345.684, sn_21102_analog: 0.06, sn_21106_counter: 8345.124 },
      { time: '2024-03-31T01:05:00.000Z', sn_21102_counter: 12345.695, sn_21102_analog: 0.132, sn_21106_counter: 8345.131 },
      { time: '2024-03-31T01:10:00.000Z', sn_21102_counter: 12345.713, sn_21102_analog: 0.216, sn_21106_counter: 8345.142 },
    ],
    says: [/header: 3/, /skip: 4/, /unit: kWh/, /unit: kW /],
  },
  {
    what: 'latin-1, lines before the header, a row of units, months in German, thousands points, totals in the last row',
    file: 'Ertrag März.csv',
    content: latin1(
      'Anlage: Dach Süd, Straße 5\nZeitraum: März 2024\n\nDatum;Uhrzeit;Wechselrichter;Leistung;Modul;Status\n;;;W;°C;\n28. März 2024;12:00;WR 1;4.512,5;23,4;Betrieb\n28. März 2024;12:15;WR 1;4.718,0;24,1;Betrieb\n28. März 2024;12:15;WR 2;2.103,2;22,8;Betrieb\n28. März 2024;12:30;WR 1;---;24,9;Störung\n1. April 2024;09:00;WR 2;402,0;8,0;Betrieb\nSumme;;;11.735,7;;\n',
    ),
    zone: 'Europe/Berlin',
    refused: 1,
    rows: [
      { time: '2024-03-28T11:00:00.000Z', wechselrichter: 'WR 1', leistung: 4512.5, modul: 23.4, status: 'Betrieb' },
      { time: '2024-03-28T11:15:00.000Z', wechselrichter: 'WR 1', leistung: 4718, modul: 24.1, status: 'Betrieb' },
      { time: '2024-03-28T11:15:00.000Z', wechselrichter: 'WR 2', leistung: 2103.2, modul: 22.8, status: 'Betrieb' },
      { time: '2024-03-28T11:30:00.000Z', wechselrichter: 'WR 1', leistung: null, modul: 24.9, status: 'Störung' },
      { time: '2024-04-01T07:00:00.000Z', wechselrichter: 'WR 2', leistung: 402, modul: 8, status: 'Betrieb' },
    ],
    says: [/locale: de/, /skip: 1/, /No such time, and refused: "Summe" \(once\)/, /unit: W /, /unit: °C/],
  },
  {
    what: 'an answer of a web service: records in an array, positions, -999',
    file: 'openaq.json',
    content: Buffer.from(
      JSON.stringify({
        meta: { license: 'CC BY 4.0', found: 3 },
        results: [
          {
            location: 'Delhi',
            value: 143,
            date: { utc: '2024-02-01T00:00:00+00:00' },
            coordinates: { latitude: 28.5, longitude: 77.25 },
          },
          {
            location: 'Delhi',
            value: -999,
            date: { utc: '2024-02-01T01:00:00+00:00' },
            coordinates: { latitude: 28.5, longitude: 77.25 },
          },
          {
            location: 'Accra',
            value: 22.5,
            date: { utc: '2024-02-01T02:00:00+00:00' },
            coordinates: { latitude: 5.5, longitude: -0.25 },
          },
        ],
      }),
    ),
    rows: [
      {
        time: '2024-02-01T00:00:00.000Z',
        location: 'Delhi',
        value: 143,
        position_lat: 28.5,
        position_lon: 77.25,
        meta_found: 3,
      },
      {
        time: '2024-02-01T01:00:00.000Z',
        location: 'Delhi',
        value: null,
        position_lat: 28.5,
        position_lon: 77.25,
        meta_found: 3,
      },
      {
        time: '2024-02-01T02:00:00.000Z',
        location: 'Accra',
        value: 22.5,
        position_lat: 5.5,
        position_lon: -0.25,
        meta_found: 3,
      },
    ],
    says: [/each: results/, /min: -90, max: 90/],
  },
  {
    what: 'uplinks of LoRaWAN: the counter of a radio is no time, and numbers in arrays are columns',
    file: 'uplinks.ndjson',
    content: Buffer.from(
      [
        {
          ids: { device_id: 'eui-1' },
          received_at: '2024-05-27T08:15:13.715797500Z',
          up: { timestamp: 3_012_345_678, phases: [1, 0.5], rx: [{ rssi: -97 }] },
        },
        {
          ids: { device_id: 'eui-2' },
          received_at: '2024-05-27T08:16:02.101Z',
          up: { timestamp: 3_012_399_999, phases: [2, 0], rx: [{ rssi: -111 }] },
        },
        {
          ids: { device_id: 'eui-1' },
          received_at: '2024-05-27T08:35:13.801Z',
          up: { timestamp: 1_716_000_000, phases: null, rx: [] },
        },
      ]
        .map((record) => JSON.stringify(record))
        .join('\n'),
    ),
    rows: [
      {
        time: '2024-05-27T08:15:13.715Z',
        time_ns: '1716797713715797500',
        ids_device_id: 'eui-1',
        up_timestamp: '3012345678',
        up_phases_0: 1,
        up_phases_1: 0.5,
        extra: { up: { rx: [{ rssi: -97 }] } },
      },
      {
        time: '2024-05-27T08:16:02.101Z',
        ids_device_id: 'eui-2',
        up_timestamp: '3012399999',
        up_phases_0: 2,
        up_phases_1: 0,
        extra: { up: { rx: [{ rssi: -111 }] } },
      },
      {
        time: '2024-05-27T08:35:13.801Z',
        ids_device_id: 'eui-1',
        up_timestamp: '1716000000',
        up_phases_0: null,
        up_phases_1: null,
      },
    ],
    says: [/time: { field: received_at, nanoseconds: true }/, /kept in "extra": up\.rx/],
  },
  {
    what: 'no names at all: year, month, day and hour first, -9999',
    file: 'isd-lite.txt',
    content: Buffer.from(
      '2024 01 01 00    12   -33  9992 -9999\n2024 01 01 01    10   -33  9995 -9999\n2024 12 31 02     5   -39  9999     8\n2024 12 31 03     0   -39 10003     8\n',
    ),
    rows: [
      { time: '2024-01-01T00:00:00.000Z', column5: '12', column6: '-33', column7: '9992', column8: null },
      { time: '2024-01-01T01:00:00.000Z', column5: '10', column6: '-33', column7: '9995', column8: null },
      { time: '2024-12-31T02:00:00.000Z', column5: '5', column6: '-39', column7: '9999', column8: '8' },
      { time: '2024-12-31T03:00:00.000Z', column5: '0', column6: '-39', column7: '10003', column8: '8' },
    ],
    says: [/header: 0/, /first ones are the parts of a time is ASSUMED/, /-9999 \(2 times\)/],
  },
  {
    what: 'lines of widths behind the header, words among numbers, versions, a zone in a column, an hour that was twice',
    file: 'nwis.rdb',
    content: Buffer.from(
      '# Data of site 0938\n#\nagency\tsite_no\tdatetime\ttz_cd\tflow\tfw\n5s\t15s\t20d\t6s\t14n\t10s\nUSGS\t0938\t2024-10-26 23:30\tCEST\t11900\t2.1\nUSGS\t0938\t2024-10-27 02:15\tCEST\tIce\t2.10\nUSGS\t0938\t2024-10-27 02:30\tCEST\t11900\t2.10\nUSGS\t0938\t2024-10-27 04:45\tCET\t11800\t2.10\n',
    ),
    zone: 'Europe/Berlin',
    rows: [
      { time: '2024-10-26T21:30:00.000Z', site_no: '0938', flow: '11900', fw: '2.1' },
      { time: '2024-10-27T00:15:00.000Z', site_no: '0938', flow: 'Ice', fw: '2.10' },
      { time: '2024-10-27T00:30:00.000Z', site_no: '0938', flow: '11900', fw: '2.10' },
      { time: '2024-10-27T03:45:00.000Z', site_no: '0938', flow: '11800', fw: '2.10' },
    ],
    says: [
      /skip: 1/,
      /2 rows in an hour that the clocks showed twice/,
      /A column says a zone, which is not looked at: tz_cd "CEST"/,
      /3 of 4 are numbers; "Ice" is none/,
    ],
  },
];
