/**
 * Times in expressions. The library's own functions read a time without an offset, and count days, in the zone of the
 * process: the same Pipeline would give other rows on another machine. These take their place when an expression is
 * evaluated; the type check uses the library's signatures.
 */
import type { Environment } from '@marcbachmann/cel-js';
import { DateTime, IANAZone } from 'luxon';

const TIMESTAMP = 'google.protobuf.Timestamp';

/** As CEL has it, months and days count from 0, but for `getDate`. */
const PARTS: Record<string, (time: DateTime) => number> = {
  getFullYear: ({ year }) => year,
  getMonth: ({ month }) => month - 1,
  getDate: ({ day }) => day,
  getDayOfMonth: ({ day }) => day - 1,
  getDayOfWeek: ({ weekday }) => weekday % 7,
  getDayOfYear: ({ ordinal }) => ordinal - 1,
  getHours: ({ hour }) => hour,
  getMinutes: ({ minute }) => minute,
  getSeconds: ({ second }) => second,
  getMilliseconds: ({ millisecond }) => millisecond,
};

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The name under which the function of this name stands in the environment that evaluates; null: the library's own is right. */
export function replacementOf(name: string): string | null {
  return name === 'timestamp' || name in PARTS ? `utc_${name}` : null;
}

/** What is wrong with an argument that stands in the expression itself, null where nothing is. */
export function argumentProblem(name: string, argument: unknown): { message: string; allowed: string } | null {
  if (typeof argument !== 'string') return null;
  if (name === 'timestamp' && readTime(argument) === null)
    return {
      message: `${JSON.stringify(argument)} is no time`,
      allowed: "a time with its offset, such as '2025-04-15T18:52:00Z'",
    };
  if (name in PARTS && !IANAZone.isValidZone(argument))
    return { message: `there is no zone ${JSON.stringify(argument)}`, allowed: "an IANA zone such as 'America/Chicago'" };
  return null;
}

function readTime(text: string): Date | null {
  const time = new Date(RFC_3339.test(text) ? text : Number.NaN);
  return Number.isNaN(time.getTime()) ? null : time;
}

export function withTimeFunctions(environment: Environment): Environment {
  const sync = { async: false };
  for (const [name, part] of Object.entries(PARTS)) {
    const read = (time: Date, zone: string): bigint => {
      const inZone = DateTime.fromJSDate(time, { zone });
      if (!inZone.isValid) throw new RangeError(`no zone ${JSON.stringify(zone)} or no time; allowed is an IANA zone`);
      return BigInt(part(inZone));
    };
    environment.registerFunction(`${TIMESTAMP}.utc_${name}(): int`, (time: Date) => read(time, 'UTC'), sync);
    environment.registerFunction(`${TIMESTAMP}.utc_${name}(string): int`, read, sync);
  }
  const fromText = (text: string): Date => {
    const time = readTime(text);
    if (time === null) throw new RangeError(`${JSON.stringify(text)} is no time; allowed is RFC 3339 with an offset`);
    return time;
  };
  const fromSeconds = (seconds: bigint): Date => {
    const time = new Date(Number(seconds) * 1000);
    if (!(time.getTime() >= -62_135_596_800_000 && time.getTime() <= 253_402_300_799_999))
      throw new RangeError(`${seconds} s is no time; allowed are the years 0001 to 9999`);
    return time;
  };
  environment.registerFunction(`utc_timestamp(string): ${TIMESTAMP}`, fromText, sync);
  environment.registerFunction(`utc_timestamp(int): ${TIMESTAMP}`, fromSeconds, sync);
  return environment;
}
