import type { Pipeline } from '@millrace/core/spec/pipeline.ts';

/** Where the phone app can be told to send to, unless the spec names a path. */
const SENSOR_LOGGER_PATHS = ['/logs', '/sensor_data'];

/** The paths under which devices of a Pipeline with a source of HTTP send. */
export function pathsOf({ metadata, spec: { source, record } }: Pipeline): string[] {
  const { path } = source.http ?? {};
  const own = path === undefined ? (record.decode === 'sensor-logger' ? SENSOR_LOGGER_PATHS : []) : [path];
  return [`/pipelines/${metadata.name}`, ...own];
}
