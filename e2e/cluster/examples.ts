/** The examples that run in the cluster, and the rows that must come out. */
import { sendPushes } from './phones.ts';

/** `send`: what devices do, where the data comes from them. */
export const EXAMPLES = [
  { name: 'traffic', table: 'traffic_events', rows: 5_236, send: null },
  { name: 'environment', table: 'environment', rows: 15, send: null },
  // 6 of the real push; of the simulated phones 6,000 readings, some of which come twice.
  { name: 'phone-sensors', table: 'phone_readings', rows: 6_006, send: sendPushes },
] as const;
