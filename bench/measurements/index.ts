/** The measurements in the order in which they run. A new one is a file beside this one and a line here. */
import { audit } from './audit.ts';
import { growth } from './growth.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { latency } from './latency.ts';
import type { Measurement } from './measurement.ts';
import { processor } from './processor.ts';
import { roles } from './roles.ts';
import { sink } from './sink.ts';
import { writer } from './writer.ts';

/** `roles` sums up what the backlog's roles took in those before it. */
export const MEASUREMENTS = { writer, sink, processor, roles, latency, http, idle, audit, growth } as const satisfies Record<
  string,
  Measurement
>;
export type MeasurementName = keyof typeof MEASUREMENTS;
export const MEASUREMENT_NAMES = Object.keys(MEASUREMENTS) as MeasurementName[];
