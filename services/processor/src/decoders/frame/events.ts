/**
 * Messages of components that send no frames: doors, strikes, sirens, motion detectors, readers of cards. Each is one row; a new kind is a
 * line here, one in `registry/tables.ts`, and a migration of its constraint.
 */
import type { Kind } from '@millrace/registry/tables.ts';
import { shown } from '../../fields/shown.ts';
import { DecodeError, type JsonObject } from '../decoder.ts';

/** What a message says, as columns of its row. */
export interface Said {
  datapoint: string;
  /** 1 or 0 where there are two states; null for a card. */
  value: number | null;
  text: string;
}

interface Event {
  /** Member of the message, and name of the datapoint. */
  member: string;
  /** The values it may have, with what they are; null: any text. */
  states: ReadonlyMap<unknown, { value: number; text: string }> | null;
}

const EVENTS: Record<Exclude<Kind, 'frame'>, Event> = {
  door: { member: 'state', states: states({ open: 1, closed: 0 }) },
  strike: { member: 'state', states: states({ unlocked: 1, locked: 0 }) },
  siren: { member: 'state', states: states({ on: 1, off: 0 }) },
  motion: {
    member: 'motion',
    states: new Map([
      [true, { value: 1, text: 'true' }],
      [false, { value: 0, text: 'false' }],
    ]),
  },
  reader: { member: 'card', states: null },
};

function states(values: Record<string, number>): Event['states'] {
  return new Map(Object.entries(values).map(([text, value]) => [text, { value, text }]));
}

/** @throws DecodeError `missing`, `enum` or `type`, naming the member */
export function readEvent(kind: Exclude<Kind, 'frame'>, message: JsonObject): Said {
  const { member, states: known } = EVENTS[kind];
  const found = Object.hasOwn(message, member) ? message[member] : undefined;
  const allowed = known === null ? 'a text' : [...known.keys()].map((state) => JSON.stringify(state)).join(' or ');
  const refuse = (reason: string, what: string): never => {
    throw new DecodeError({ reason, message: `${member} of a message of a ${kind} ${what}; allowed is ${allowed}` });
  };
  if (found === undefined || found === null || found === '') return refuse('missing', 'is missing');
  if (known === null)
    return typeof found === 'string' ? { datapoint: member, value: null, text: found } : refuse('type', `is ${shown(found)}`);
  const state = known.get(found) ?? refuse('enum', `is ${shown(found)}`);
  return { datapoint: member, ...state };
}
