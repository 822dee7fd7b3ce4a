/** The unit that a column's name says: `Temp (°C)`, `speed_kph`. */

export interface NamedUnit {
  /** The name without a unit in brackets; a unit that is part of the name (`speed_kph`) stays in it. */
  name: string;
  unit: string | null;
}

/** As they stand in brackets, beside whatever holds a sign that only units have. */
const KNOWN = new Set(
  'C F K °C °F degC degF hPa Pa kPa MPa bar mbar psi V mV kV A mA W kW MW Wh kWh MWh VA var Hz kHz MHz m cm mm km in ft mi kn kt mph kph ppm ppb g kg mg t L l ml mL lux lx dB dBm dBA s sec ms us ns min h hr d deg degT rad rpm pH NTU bpm J N Nm nmi kts count'.split(
    ' ',
  ),
);
const BRACKETS = /^(.*?)\s*(?:\(([^()]{1,12})\)|\[([^[\]]{1,16})\])\s*$/;
const SIGNS = /[°%/µμΩ²³]/;

/** By the last word of a name. */
const SUFFIXES: Readonly<Record<string, string>> = {
  kph: 'km/h',
  kmh: 'km/h',
  mph: 'mph',
  mps: 'm/s',
  pct: '%',
  percent: '%',
  celsius: '°C',
  degc: '°C',
  fahrenheit: '°F',
  degf: '°F',
  kelvin: 'K',
  hpa: 'hPa',
  kpa: 'kPa',
  pa: 'Pa',
  mbar: 'mbar',
  psi: 'psi',
  ppm: 'ppm',
  ppb: 'ppb',
  db: 'dB',
  dbm: 'dBm',
  volt: 'V',
  volts: 'V',
  v: 'V',
  mv: 'mV',
  amps: 'A',
  ma: 'mA',
  watts: 'W',
  w: 'W',
  kw: 'kW',
  wh: 'Wh',
  kwh: 'kWh',
  hz: 'Hz',
  mm: 'mm',
  cm: 'cm',
  km: 'km',
  m: 'm',
  kg: 'kg',
  lux: 'lx',
  rpm: 'rpm',
  bpm: 'bpm',
  deg: '°',
  degrees: '°',
  ms: 'ms',
  sec: 's',
  seconds: 's',
};

/** Words for units, as rows of units have them. */
const WORDS = /^(?:deg(?:rees?)? ?[CF]|volts?|amps?|watts?|meters?|met(?:er|re)s?\/second|percent|kelvin|celsius|fahrenheit)$/i;
/** PostgreSQL takes any comment; the spec takes so many characters. */
const MAX_UNIT = 32;

/** A text that is nothing but a unit, as the spec may have it; null where it is none. */
export function unitNamed(text: string): string | null {
  const inside = /^[([](.*)[)\]]$/.exec(text)?.[1]?.trim() ?? text;
  const isUnit = KNOWN.has(inside) || WORDS.test(inside) || (SIGNS.test(inside) && !/\d{2}|:/.test(inside));
  return isUnit && inside.length <= MAX_UNIT ? inside.replace(/^deg(?:rees?)? ?(?=[CF]$)/i, '°') : null;
}

export function guessUnit(header: string, words: readonly string[]): NamedUnit {
  const bracket = BRACKETS.exec(header);
  const inside = (bracket?.[2] ?? bracket?.[3] ?? '').trim();
  if (bracket?.[1] && inside !== '' && (bracket[3] !== undefined || KNOWN.has(inside) || SIGNS.test(inside)))
    return { name: bracket[1], unit: inside.replace(/^deg ?(?=[CF]$)/, '°') };
  const last = words.at(-1) ?? '';
  if (/^(?:latitude|longitude|lat|lon|lng)$/.test(last)) return { name: header, unit: '°' };
  const before = words.slice(0, -1).join('_');
  if ((last === 'c' || last === 'f') && /temp|dew/.test(before)) return { name: header, unit: `°${last.toUpperCase()}` };
  // In readings.v the v may be any value; in bat_v it is volts.
  const isPart = last.length > 1 ? words.length > 1 : /[^.][_\s]\w$|[a-z]V$/.test(header);
  return { name: header, unit: isPart && Object.hasOwn(SUFFIXES, last) ? (SUFFIXES[last] ?? null) : null };
}
