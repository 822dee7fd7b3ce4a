/** The path `$received`: only of records that devices send, and only as milliseconds since 1970. */
import { RECEIVED_PATH } from '../../record/receivedAt.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Finding, Path } from '../problem.ts';

const FORMAT = 'epoch_ms';

export function checkReceived({ spec: { source, record } }: Pipeline): Finding[] {
  const place: Path = ['spec', 'record'];
  const rules = [
    { at: [...place, 'time'], member: 'field', paths: record.time.field, isTime: true, format: record.time.format },
    ...Object.entries(record.fields).map(([name, { from = name, type, format }]) => ({
      at: [...place, 'fields', name],
      member: 'from',
      paths: from,
      isTime: type === 'time',
      format,
    })),
  ];
  return rules.flatMap(({ at, member, paths, isTime, format }): Finding[] => {
    if (![paths].flat().includes(RECEIVED_PATH)) return [];
    if (!source.http && !source.mqtt) {
      const message = 'only records of source.http and source.mqtt are received from a device';
      return [{ path: [...at, member], message, found: RECEIVED_PATH, allowed: 'a path of the record' }];
    }
    if (!isTime || [format ?? 'iso'].flat().includes(FORMAT)) return [];
    return [
      { path: at, message: `${RECEIVED_PATH} is in milliseconds since 1970`, allowed: `format: ${FORMAT}, or a list with it` },
    ];
  });
}
