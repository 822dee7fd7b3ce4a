/** The steps of the database's set-up, in order. A new one is a file beside this one and a line here. */
import { claims } from './claims.ts';
import { indexes } from './indexes.ts';
import { latest } from './latest.ts';
import { compression, retention } from './policies.ts';
import { positions } from './positions.ts';
import { rollups } from './rollups.ts';
import type { Step } from './step.ts';
import { table } from './table.ts';
import { unique } from './unique.ts';

export const STEPS: readonly Step[] = [claims, positions, table, indexes, unique, latest, rollups, retention, compression];
