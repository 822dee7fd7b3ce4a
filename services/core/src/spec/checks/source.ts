/** The source and the topics. */
import { namesOf } from '../names.ts';
import type { Pipeline } from '../pipeline.ts';
import { type Finding, nameList, type Path } from '../problem.ts';
import type { Field } from '../record.ts';
import { FAULT_KINDS, type Replay, type Simulator } from '../source.ts';
import { checkHttp } from './http.ts';
import { checkMqtt, checkTopicPaths } from './mqtt.ts';
import { checkReceived } from './received.ts';

type FaultKind = (typeof FAULT_KINDS)[number];

const FORMAT_NAMES = '.csv, .json, .ndjson or .jsonl, each also with .gz';

export function checkSource(pipeline: Pipeline): Finding[] {
  const { replay, http, mqtt, simulator, topic } = pipeline.spec.source;
  return [
    ...checkDecoder(pipeline),
    ...checkEach(pipeline),
    ...checkReceived(pipeline),
    ...(replay ? checkReplay(replay) : []),
    ...(http ? checkHttp(http) : []),
    ...(mqtt ? checkMqtt(mqtt) : checkTopicPaths(pipeline)),
    ...(simulator ? checkSimulator(pipeline, simulator) : []),
    ...(topic ? checkTopic(pipeline, topic.name) : []),
  ];
}

/** What frames and single values are of, the MQTT topic says that they come under. */
function checkDecoder({ spec: { source, record } }: Pipeline): Finding[] {
  const what = record.decode === 'frame' ? 'a frame' : record.decode === 'text' ? 'a single value' : null;
  if (what === null || source.mqtt || source.topic) return [];
  const message = `${what} is read by the MQTT topic that it came under, which this source does not have`;
  return [{ path: ['spec', 'record', 'decode'], message, allowed: 'json, or source.mqtt' }];
}

/** What does not go with `record.each`: a decoder that finds its own elements, and a clock that moves the one time of a record. */
function checkEach({ spec: { source, record } }: Pipeline): Finding[] {
  const { each, decode = 'json' } = record;
  if (each === undefined) return [];
  const path: Path = ['spec', 'record', 'each'];
  if (decode !== 'json')
    return [{ path, message: `decode: ${decode} has no each`, allowed: 'each with decode: json', at: 'name' }];
  if (source.simulator) return [{ path, message: 'a simulator makes one row of a record', allowed: 'nothing', at: 'name' }];
  const { clock = 'original', pace } = source.replay ?? {};
  const isWithin = [record.time.field, record.time.and ?? []].flat().some((place) => place.startsWith(`${each}.`));
  if (!isWithin || (clock === 'original' && pace?.multiplier === undefined)) return [];
  const rule: Path = clock === 'original' ? ['pace', 'multiplier'] : ['clock'];
  const message = `record.time stands in the elements of ${each}, and a record that is replayed has one time`;
  return [{ path: ['spec', 'source', 'replay', ...rule], message, allowed: 'clock: original without pace.multiplier' }];
}

function checkReplay(replay: Replay): Finding[] {
  const path: Path = ['spec', 'source', 'replay'];
  const format = replay.format ?? formatOf(replay.path);
  if (format === null) {
    const message = 'the name does not tell what is in the file';
    return [{ path: [...path, 'path'], message, allowed: `a name that ends in ${FORMAT_NAMES}, or source.replay.format` }];
  }
  if (format === 'csv') return checkColumnsOf(replay, path);
  return (['delimiter', 'quote', 'header', 'skip', 'columns'] as const).flatMap((rule): Finding[] =>
    replay[rule] === undefined
      ? []
      : [{ path: [...path, rule], message: `a ${format} file has no ${rule}`, allowed: `${rule} with csv`, at: 'name' }],
  );
}

function checkColumnsOf({ delimiter = ',', quote = '"', header, columns }: Replay, path: Path): Finding[] {
  if (quote === delimiter)
    return [{ path: [...path, 'quote'], message: 'quote and delimiter are the same', allowed: 'two different characters' }];
  if (columns === undefined) {
    if (header !== 0) return [];
    const message = 'no row names the columns, and columns does not either';
    return [{ path: [...path, 'header'], message, allowed: 'a row from 1, or columns' }];
  }
  return columns.flatMap((name, index): Finding[] =>
    columns.indexOf(name) === index
      ? []
      : [{ path: [...path, 'columns', index], message: `${JSON.stringify(name)} comes twice`, allowed: 'each name once' }],
  );
}

/** The format that a file name tells; the part after ? of a URL is no part of the name. */
function formatOf(path: string): string | null {
  const name = /^https?:/i.test(path) ? path.replace(/[?#].*$/, '') : path;
  return /\.(csv|json|ndjson|jsonl)(\.gz)?$/i.exec(name)?.[1]?.toLowerCase() ?? null;
}

function checkSimulator(pipeline: Pipeline, simulator: Simulator): Finding[] {
  const path: Path = ['spec', 'source', 'simulator'];
  const findings: Finding[] = [];
  if (pipeline.spec.record.time.and !== undefined) {
    const message = 'a simulator writes the time in one place';
    findings.push({ path: ['spec', 'record', 'time', 'and'], message, allowed: 'nothing', at: 'name' });
  }
  if (simulator.rate === undefined && simulator.step === undefined)
    findings.push({ path, message: 'neither rate nor step says how many records there are', allowed: 'rate, step, or both' });
  const { fields, key } = pipeline.spec.record;
  const some = (fits: (field: Field, name: string) => boolean): boolean =>
    Object.entries(fields).some(([name, field]) => fits(field, name));
  // The other kinds go with any Pipeline.
  const needs: Partial<Record<FaultKind, { what: string; met: boolean }>> = {
    outOfRange: { what: 'a field with min or max', met: some(({ min, max }) => min !== undefined || max !== undefined) },
    wrongType: { what: 'a field that is not text', met: some(({ type }) => type !== 'text') },
    nulByte: {
      what: 'a text field without enum that is not the key',
      met: some((field, name) => field.type === 'text' && name !== key && !field.enum),
    },
  };
  for (const [index, kind] of (simulator.faults?.kinds ?? []).entries()) {
    const need = needs[kind];
    if (need === undefined || need.met) continue;
    const message = `no record can be made wrong in this way: it needs ${need.what}`;
    const allowed = nameList(FAULT_KINDS.filter((other) => needs[other]?.met !== false));
    findings.push({ path: [...path, 'faults', 'kinds', index], message, allowed });
  }
  return findings;
}

function checkTopic(pipeline: Pipeline, name: string): Finding[] {
  const { processed, dlq } = namesOf(pipeline);
  if (name !== processed && name !== dlq) return [];
  const message = 'the Pipeline would read what it writes';
  return [{ path: ['spec', 'source', 'topic', 'name'], message, allowed: 'another topic, or another topics.prefix' }];
}
