/** The examples that run in the cluster, and the rows that must come out. */
import { CONTROLLERS, sendReadings } from './devices/controllers.ts';
import { sendPushes } from './phones.ts';

/** `send`: what devices do, where the data comes from them; `of`: which rows of the table are the example's. */
export const EXAMPLES = [
  { name: 'traffic', table: 'traffic_events', rows: 5_236, of: 'true', send: null },
  { name: 'environment', table: 'environment', rows: 15, of: 'true', send: null },
  // 6 of the real push; of the simulated phones 6,000 readings, some of which come twice.
  { name: 'phone-sensors', table: 'phone_readings', rows: 6_006, of: 'true', send: sendPushes },
  // Of 1,139 messages, 48 of them twice: a row for each datapoint.
  { name: 'smart-controller', table: 'controller_readings', rows: 6_851, of: CONTROLLERS, send: sendReadings },
] as const;
