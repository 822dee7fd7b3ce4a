/** Names of columns that SQL and CEL take without quotes, each once. */

/** Room for _stddev of a roll-up, a number, and PostgreSQL's 63. */
const MAX_LENGTH = 48;

/** Reserved in PostgreSQL (https://www.postgresql.org/docs/current/sql-keywords-appendix.html), or in CEL. */
const RESERVED = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp
  current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike
  in initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null
  offset on only or order outer overlaps placing primary references returning right select session_user similar some symmetric
  system_user table tablesample then to trailing true union unique user using variadic verbose when where window with
  break const continue function if import let loop package namespace return var void while
  time time_ns extra tableoid xmin cmin xmax cmax ctid`
    .trim()
    .split(/\s+/),
);

/** A unit of several capitals at the end of a name in camel case. */
const CAMEL_UNIT = /(?<=[a-z\d])(?:[HhKkM]Pa|[KkM]W[Hh]?|[KkMG]Hz|[Dd]Bm?|[KkM]V|mV|mA)$/;

/** The words of a name in lower case, without accents: `avgSpeedKph` and `Avg. speed, kph` are avg, speed, kph. */
export function wordsOf(name: string): string[] {
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replaceAll('ß', 'ss')
    .replace(/[µμ]/g, 'u')
    .replace(CAMEL_UNIT, (unit) => ` ${unit.toLowerCase()}`)
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}

/** A name that is allowed as that of a column or table; `fallback` where nothing of it can be kept. */
export function safeName(name: string, fallback: string): string {
  const joined = wordsOf(name).join('_').slice(0, MAX_LENGTH).replace(/_+$/, '');
  if (joined === '') return fallback;
  const begun = /^\d/.test(joined) ? `n${joined}` : joined;
  return RESERVED.has(begun) ? `${begun}_` : begun;
}

/** Gives out names, each once: the second `temp` is `temp_2`. */
export class Names {
  readonly #taken = new Set<string>();

  isFree(name: string): boolean {
    return !this.#taken.has(name);
  }

  /** @param also names that come with it, such as those of a point */
  take(wanted: string, also: readonly string[] = []): string {
    for (let number = 1; ; number++) {
      const name = number === 1 ? wanted : `${wanted}_${number}`;
      const all = [name, ...also.map((suffix) => `${name}${suffix}`)];
      if (all.some((each) => this.#taken.has(each))) continue;
      for (const each of all) this.#taken.add(each);
      return name;
    }
  }
}
