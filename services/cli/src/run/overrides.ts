import { duration } from '@millrace/core/spec/duration.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Replay } from '@millrace/core/spec/source.ts';
import { UsageError } from '../usage.ts';

/** Of the command line, over what `source.replay` says; a simulator takes the limit. */
export interface Overrides {
  pace?: string;
  limit?: number;
  loop?: boolean;
  /** URL of a broker without TLS, in the place of the one that `source.mqtt` names. */
  mqttBroker?: string;
  /** The same where `source.mqtt` names none. */
  platformBroker?: string;
}

/** The Pipeline with the overrides that its source knows; the given one stays as it is. */
export function withOverrides(pipeline: Pipeline, { pace, limit, loop, mqttBroker, platformBroker }: Overrides): Pipeline {
  const { mqtt, replay, simulator } = pipeline.spec.source;
  const limited = limit === undefined ? {} : { limit };
  if (simulator) return withSource(pipeline, { simulator: { ...simulator, ...limited } });
  if (mqtt) {
    const { tls: _tls, auth: _auth, ...others } = mqtt;
    const url = mqttBroker ?? (mqtt.url === undefined ? platformBroker : undefined);
    return url === undefined ? pipeline : withSource(pipeline, { mqtt: { ...others, url } });
  }
  if (!replay) return pipeline;
  const paced = pace === undefined ? {} : { pace: parsePace(pace) };
  const looped = loop === undefined ? {} : { loop };
  return withSource(pipeline, { replay: { ...replay, ...limited, ...paced, ...looped } });
}

function withSource(pipeline: Pipeline, source: Pipeline['spec']['source']): Pipeline {
  return { ...pipeline, spec: { ...pipeline.spec, source } };
}

/**
 * `unlimited`, an interval such as `1s`, or a multiplier such as `60x`.
 * @throws UsageError naming the text and what is allowed
 */
export function parsePace(text: string): NonNullable<Replay['pace']> {
  if (text === 'unlimited') return { unlimited: true };
  if (duration.safeParse(text).success) return { interval: text };
  const multiplier = /^(\d+(?:\.\d+)?)x$/.exec(text)?.[1];
  if (multiplier !== undefined && Number(multiplier) > 0) return { multiplier: Number(multiplier) };
  throw new UsageError(
    `--pace is ${JSON.stringify(text)}; allowed are unlimited, an interval such as 1s, a multiplier such as 60x`,
  );
}

/** Why this source never ends by itself; null where it does, or where clients that send to it do. */
export function endless({ spec: { source } }: Pipeline, hasClients = false): string | null {
  if (source.http || source.mqtt)
    return hasClients ? null : 'nobody knows when devices have sent all; a program given by --client does';
  if (source.replay)
    return source.replay.loop === true && !source.replay.limit ? 'source.replay.loop is true and there is no limit' : null;
  if (source.simulator) return source.simulator.limit ? null : 'source.simulator has no limit';
  return 'its source has no end';
}
