/** What is wrong with the meaning of a Pipeline whose structure is right. */
import { describe, expect, test } from 'vitest';
import { changed, problemsOf } from '../testing/spec.ts';

describe('what does not go together', () => {
  test.each<[number, string, string, RegExp, RegExp]>([
    [3, 'metadata: { name: traffic, namespace: millrace }', 'metadata.namespace', /own tables/, /another namespace/],
    [6, '    http: { path: /logs }', 'spec.source.http', /who may send/, /auth\.secretRef or auth\.open: true/],
    [6, '    http: { auth: { open: true, secretRef: { name: a } } }', 'spec.source.http.auth', /both/, /one of them/],
    [6, '    http: { path: /pipelines/a, auth: { open: true } }', 'spec.source.http.path', /Millrace's own/, /another path/],
    [6, '    mqtt: { url: broker, topics: [a] }', 'spec.source.mqtt.url', /no URL/, /mqtts:\/\/host:8883/],
    [6, '    mqtt: { url: "http://x", topics: [a] }', 'spec.source.mqtt.url', /http:.* is no MQTT/, /mqtts:/],
    [6, '    mqtt: { url: "mqtt://", topics: [a] }', 'spec.source.mqtt.url', /no host/, /mqtts:/],
    [6, '    mqtt: { url: "mqtt://x/y", topics: [a] }', 'spec.source.mqtt.url', /behind the port/, /mqtts:/],
    [6, '    mqtt: { url: "mqtt://u:p@x", topics: [a] }', 'spec.source.mqtt.url', /no place for a password/, /auth\.secretRef/],
    [6, '    mqtt: { url: "mqtt://x", topics: ["a#"] }', 'spec.source.mqtt.topics[0]', /# stands for all levels/, /tele\/#/],
    [6, '    mqtt: { url: "mqtt://x", topics: ["#/a"] }', 'spec.source.mqtt.topics[0]', /# stands for all levels/, /tele\/#/],
    [6, '    mqtt: { url: "mqtt://x", topics: [b, "a/+b"] }', 'spec.source.mqtt.topics[1]', /a whole level/, /tele\/\+/],
    [6, '    mqtt: { url: "mqtt://x", topics: [a, a] }', 'spec.source.mqtt.topics[1]', /twice/, /filter/],
    [6, '    mqtt: { url: "mqtt://x", topics: ["$share/a/b"] }', 'spec.source.mqtt.topics[0]', /mqtt\.shared/, /filter/],
    [6, '    mqtt: { url: "mqtt://x", topics: [a], shared: a/b }', 'spec.source.mqtt.shared', /not in the right form/, /letters/],
    [6, '    mqtt: { url: "mqtt://x", topics: [a], qos: 2 }', 'spec.source.mqtt.qos', /too large/, /1/],
    [6, '    mqtt: { url: "mqtt://x", topics: [a], tls: { secretRef: { name: a } } }', 'spec.source.mqtt.tls', /no TLS/, /mqtts/],
    [6, '    mqtt: { topics: [a], tls: { secretRef: { name: a } } }', 'spec.source.mqtt.tls', /platform's own/, /a url as well/],
    [6, '    mqtt: { topics: [a], auth: { secretRef: { name: a } } }', 'spec.source.mqtt.auth', /platform's own/, /no auth/],
    [
      6,
      '    mqtt: { url: "mqtts://x", topics: [a], tls: { secretRef: { name: a, key: b } } }',
      'spec.source.mqtt.tls.secretRef.key',
      /several keys/,
      /tls\.crt/,
    ],
    [12, '      device: { type: text, from: [device, $topic.2] }', 'spec.record.fields.device.from', /source\.mqtt/, /path/],
    [10, '    time: { field: $topic.2 }', 'spec.record.time.field', /source\.mqtt/, /path/],
    [6, '    topic: { name: a }', 'spec.source.topic', /not built yet/, /replay/],
    [6, '    topic: { name: default.traffic.dlq }', 'spec.source.topic.name', /reads? what it writes/, /another topic/],
    [6, '    replay: { path: data/readings }', 'spec.source.replay.path', /does not tell/, /\.csv, \.json/],
    [6, '    replay: { path: a.json.gz, delimiter: ";" }', 'spec.source.replay.delimiter', /no delimiter/, /csv/],
    [6, '    replay: { path: a.json, header: 2 }', 'spec.source.replay.header', /json file has no header/, /header with csv/],
    [6, '    replay: { path: a.csv, header: 0 }', 'spec.source.replay.header', /no row names the columns/, /or columns/],
    [6, '    replay: { path: a.csv, columns: [a, b, a] }', 'spec.source.replay.columns[2]', /"a" comes twice/, /once/],
    [6, `    replay: { path: a.csv, quote: "," }`, 'spec.source.replay.quote', /are the same/, /different/],
    [6, '    simulator: { seed: 1, devices: 2 }', 'spec.source.simulator', /neither rate nor step/, /rate, step/],
    [
      6,
      '    simulator: { seed: 1, devices: 2, rate: 1, faults: { every: 2, kinds: [badTime, colour] } }',
      'spec.source.simulator.faults.kinds[1]',
      /cannot be "colour"/,
      /missing, outOfRange/,
    ],
    [
      6,
      '    simulator: { seed: 1, devices: 2, rate: 1, faults: { every: 2, kinds: [badTime, nulByte] } }',
      'spec.source.simulator.faults.kinds[1]',
      /needs a text field without enum/,
      /missing, outOfRange, wrongType, badTime, notJson$/,
    ],
    [9, '    key: devise', 'spec.record.key', /no field "devise"; did you mean "device"/, /device, speed/],
    [9, '    key: place', 'spec.record.key', /point/, /device, speed/],
    [9, '    key: device\n    decode: frame', 'spec.record.decode', /by the MQTT topic/, /^json, or source.mqtt$/],
    [10, '    time: { field: at, zone: America/Chigaco }', 'spec.record.time.zone', /no such zone/, /IANA/],
    [10, '    time: { field: [at, $received], format: epoch_ms }', 'spec.record.time.field', /received from a device/, /path/],
    [9, '    key: device\n    decode: text', 'spec.record.decode', /a single value is read by the MQTT topic/, /source.mqtt/],
    [10, '    time: { field: at, locale: xx }', 'spec.record.time.locale', /no such language/, /BCP 47/],
    [9, '    key: device\n    decode: sensor-logger\n    each: list', 'spec.record.each', /sensor-logger has no each/, /json/],
    [
      6,
      '    replay: { path: a.csv, delimiter: ";;" }',
      'spec.source.replay.delimiter',
      /not in the right form/,
      /or the word whitespace/,
    ],
    [10, '    time: { field: at, format: [iso, yyyy] }', 'spec.record.time.format[1]', /date/, /Luxon/],
    [10, '    time: { field: at, format: [iso, iso] }', 'spec.record.time.format[1]', /comes twice/, /once/],
    [10, '    time: { field: at, format: yyyy }', 'spec.record.time.format', /date/, /Luxon/],
    [10, '    time: { field: at, format: "yyyy-MM-dd hh:mm" }', 'spec.record.time.format', /alone/, /Luxon/],
    [12, '      device: { type: text, min: 3 }', 'spec.record.fields.device.min', /type text has no min/, /int, float/],
    [12, '      device: { type: text, locale: de }', 'spec.record.fields.device.locale', /has no locale/, /time/],
    [12, '      device: { type: text, zone: UTC }', 'spec.record.fields.device.zone', /has no zone/, /time/],
    [12, '      device: { type: text, default: 3 }', 'spec.record.fields.device.default', /no text/, /quotes/],
    [12, '      device: { type: text, enum: [a, b], default: c }', 'spec.record.fields.device.default', /not in enum/, /a, b/],
    [13, '      speed: { type: float, enum: [a] }', 'spec.record.fields.speed.enum', /has no enum/, /text/],
    [13, '      speed: { type: float, min: 3, max: 2 }', 'spec.record.fields.speed.min', /above max 2/, /at most 2/],
    [13, '      speed: { type: float, default: fast }', 'spec.record.fields.speed.default', /no float/, /a number/],
    [13, '      speed: { type: int, default: 1.5 }', 'spec.record.fields.speed.default', /no int/, /whole number/],
    [13, '      speed: { type: float, max: 5, default: 7 }', 'spec.record.fields.speed.default', /out of range/, /to 5/],
    [13, '      speed: { type: float, strip: ",." }', 'spec.record.fields.speed.strip', /decimal mark/, /no number needs/],
    [13, '      speed: { type: time, format: "hh" }', 'spec.record.fields.speed.format', /date/, /Luxon/],
    [13, '      speed: { type: time, default: soon }', 'spec.record.fields.speed.default', /no time/, /format of the field/],
    [14, '      place: { type: point, default: 1 }', 'spec.record.fields.place.default', /point has no default/, /text, int/],
    [14, '      time: { type: time }', 'spec.record.fields.time', /kept for the time/, /another name/],
    [14, '      extra: { type: text }', 'spec.record.fields.extra', /unknown fields/, /another name/],
    [14, '      ctid: { type: text }', 'spec.record.fields.ctid', /system column/, /another name/],
    [
      16,
      '      - { name: speed, type: bool, cel: "true" }',
      'spec.record.derive[0].name',
      /comes twice: from the field speed and derive\[0\]/,
      /once/,
    ],
    [14, '      place: { type: point }\n      place_lat: { type: float }', 'spec.record.fields.place_lat', /comes twice/, /once/],
    [
      16,
      '      - { name: fast, type: bool, cel: "sped > 100" }',
      'spec.record.derive[0].cel',
      /unknown column "sped"; did you mean "speed"\?.*character 1/,
      /place_lat \(float\)/,
    ],
    [16, '      - { name: fast, type: int, cel: "speed" }', 'spec.record.derive[0].cel', /gives float, not int/, /gives int/],
    [
      16,
      '      - { name: a, type: float, cel: "b" }\n      - { name: b, type: float, cel: "speed" }',
      'spec.record.derive[0].cel',
      /unknown column "b"/,
      /speed/,
    ],
    [18, '      - { name: gone, cel: "speed" }', 'spec.record.where[0].cel', /gives float, not bool/, /bool/],
    [
      18,
      '      - { name: gone, cel: "fast" }\n      - { name: gone, cel: "fast" }',
      'spec.record.where[1].name',
      /two filters/,
      /name of its own/,
    ],
    [20, `    name: ${'e'.repeat(57)}`, 'spec.table.name', /too long.*64 characters/, /at most 56/],
    [20, '    name: events\n    unique: { keep: last }', 'spec.table.unique.keep', /without columns/, /"time"/],
    [20, '    name: events\n    unique: { columns: [device] }', 'spec.table.unique.columns', /"time" is missing/, /time/],
    [
      20,
      '    name: events\n    unique: { columns: [time, devise] }',
      'spec.table.unique.columns[1]',
      /no column "devise"; did you mean "device"/,
      /device/,
    ],
    [20, '    name: events\n    unique: { columns: [time, time] }', 'spec.table.unique.columns[1]', /twice/, /device/],
    [20, '    name: events\n    compress: { after: 7d, by: devise }', 'spec.table.compress.by', /no column "devise"/, /device/],
    [
      20,
      '    name: events\n    compress: { after: 2y }',
      'spec.table.compress.after',
      /before they would be compressed/,
      /less than 1y/,
    ],
    [23, '    - { every: 1h, of: [device] }', 'spec.rollups[0].of[0]', /is text/, /speed, place_lat/],
    [23, '    - { every: 1h, of: [sped] }', 'spec.rollups[0].of[0]', /did you mean "speed"/, /numeric/],
    [23, '    - { every: 1h, of: [speed], by: [time] }', 'spec.rollups[0].by[0]', /does not go here/, /device/],
    [
      23,
      '    - { every: 1h, of: [speed] }\n    - { every: 1h, of: [place_lat] }',
      'spec.rollups[1].every',
      /"events_1h"/,
      /interval of its own/,
    ],
    [23, '    - { every: 1w, of: [speed], retain: 1d }', 'spec.rollups[0].retain', /before it is full/, /at least 1w/],
    [23, '    - { every: 20w, of: [speed] }', 'spec.rollups[0].every', /less than three buckets/, /third of table\.retain/],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { min: 4, max: 3 }', 'spec.scale.min', /above max 3/, /at most 3/],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { max: 7 }', 'spec.scale.max', /above the 6 partitions/, /at most 6/],
    [
      23,
      '    - { every: 1h, of: [speed] }\n  scale: { producers: 2 }',
      'spec.scale.producers',
      /a source of replay is sent by one producer/,
      /^1; more with source\.http, or source\.mqtt with shared$/,
    ],
    [
      6,
      '    mqtt: { topics: [a] }\n  scale: { producers: 3 }',
      'spec.scale.producers',
      /only by a shared subscription/,
      /source\.mqtt\.shared, such as shared: /,
    ],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { producers: 17 }', 'spec.scale.producers', /too large/, /from 1 to 16/],
    [23, '    - { every: 1h, of: [speed] }\n  scale: { producers: 0 }', 'spec.scale.producers', /too small/, /from 1 to 16/],
    [
      23,
      '    - { every: 1h, of: [speed] }\n  alerts: { lagSeconds: { warn: 3, critical: 3 } }',
      'spec.alerts.lagSeconds.warn',
      /not below critical 3/,
      /less than 3/,
    ],
  ])('line %i: %s', (line, text, path, message, allowed) => {
    const problem = problemsOf(changed(line, text)).find((candidate) => candidate.path === path);
    expect(problem?.message).toMatch(message);
    expect(problem?.allowed).toMatch(allowed);
    expect(problem?.line).toBeGreaterThanOrEqual(line);
    expect(problem?.line).toBeLessThan(line + text.split('\n').length);
  });

  test.each([
    [
      'a key that is a whole number',
      12,
      '      device: { type: int, required: true }',
      18,
      '      - { name: gone, cel: "device != 3" }',
    ],
    ['a default that is in range', 13, '      speed: { type: float, min: 0, max: 9, default: 3 }', 7, ''],
    [
      'every kind of fault that fits',
      6,
      '    simulator: { seed: 1, devices: 2, step: 1s, faults: { every: 2, kinds: [missing, outOfRange, badTime] } }',
      7,
      '',
    ],
    ['unique columns with time', 20, '    name: events\n    unique: { columns: [device, time], keep: first }', 7, ''],
    ['an empty unique', 20, '    name: events\n    unique: {}', 7, ''],
    ['several producers of HTTP', 6, '    http: { auth: { open: true } }\n  scale: { producers: 16 }', 7, ''],
    ['several of a shared subscription', 6, '    mqtt: { topics: [a], shared: b }\n  scale: { producers: 2 }', 7, ''],
    ['one producer of whatever it is', 23, '    - { every: 1h, of: [speed] }\n  scale: { producers: 1 }', 7, ''],
    ['an extra column', 20, '    name: events\n    extra: true', 7, ''],
  ])('%s is right', (_what, line, text, otherLine, otherText) => {
    const lines = changed(line, text).split('\n');
    expect(
      problemsOf(lines.map((old, index) => (index === otherLine - 1 && otherText !== '' ? otherText : old)).join('\n')),
    ).toEqual([]);
  });
});

describe('more columns than PostgreSQL takes', () => {
  const fields = (count: number, type: string): string =>
    Array.from({ length: count }, (_, at) => `      f${at}: { type: ${type} }`).join('\n');
  const derived = Array.from({ length: 250 }, (_, at) => `      - { name: d${at}, type: int, cel: "1" }`).join('\n');

  test('ten thousand fields', () => {
    const [problem] = problemsOf(changed(13, `      speed: { type: float }\n${fields(10_000, 'int')}`));
    expect(problem).toMatchObject({ path: 'spec.record.fields' });
    expect(problem?.message).toMatch(/at most 700 fields: PostgreSQL allows 1,600 columns in a table/);
  });

  test('few enough fields, but points, with too many derived columns', () => {
    const text = changed(13, `      speed: { type: float }\n${fields(690, 'point')}`).replace(
      '    derive:',
      `    derive:\n${derived}`,
    );
    const [problem] = problemsOf(text);
    expect(problem).toMatchObject({ path: 'spec.record.fields', found: expect.stringMatching(/693 fields .* 251 derived/) });
    expect(problem?.message).toMatch(/the table would have 1636 columns, more than PostgreSQL allows/);
  });
});
