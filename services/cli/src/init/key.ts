/** Which column names the device: an id-like name, few distinct values, and one in every row. */
import { type Column, countTexts, meansMissing, sum } from './column.ts';
import { wordsOf } from './name.ts';

export interface KeyGuess {
  column: Column;
  reason: string;
}

const THING =
  '(?:device|sensor|station|detector|meter|node|site|machine|asset|host|gateway|room|tag|probe|vehicle|channel|location|plant|pump|motor|controller|beacon|buoy|tracker|zone|geraet|standort)s?';
const NAMES: readonly (readonly [RegExp, number, string])[] = [
  [
    new RegExp(`^${THING}(?:_(?:id|no|nr|number|num|name|code|key|uid|eui|address|addr|mac))?$`),
    60,
    'the name is that of a device',
  ],
  [
    /^(?:mac|imei|serial|eui|dev_eui|serial_no|serial_number|mac_address|unit_id|client_id|mote_?id)$/,
    60,
    'the name is that of a device',
  ],
  [new RegExp(`(?:^|_)${THING}_(?:id|no|nr|number|name|code|key)$`), 50, 'the name holds that of a device'],
  [
    /(?:^|_)(?:message|msg|record|event|row|reading|sample|session|trace|request|seq|sequence|index|uuid)(?:_(?:id|no|nr|number))?$/,
    -60,
    '',
  ],
  [/(?:^|_)(?:id|key|code)$/, 30, 'the name ends like an id'],
  [/^(?:name|label|source|city|area|region|building|line|stop|address)$/, 15, 'the name may be that of a place'],
  [
    /status|state|type|kind|quality|flag|direction|level|comment|note|message|category|mode|unit|date|day|month|year|hour|version|reason/,
    -40,
    '',
  ],
];
const LEAST_SCORE = 25;

/** @param columns those that are text or whole numbers, without the time. @returns null where none is likely */
export function guessKey(columns: readonly Column[]): KeyGuess | null {
  let best: (KeyGuess & { score: number }) | null = null;
  for (const column of columns) {
    const counts = countTexts(column);
    if ([...counts.keys()].every(meansMissing)) continue;
    const [rows, there, distinct] = [column.texts.length, sum(counts.values()), counts.size];
    const name = wordsOf(column.path.split('.').at(-1) ?? '').join('_');
    const [, named, why] = NAMES.find(([pattern]) => pattern.test(name)) ?? [null, 0, ''];
    const isFew = distinct <= Math.max(1, rows / 2);
    const isUnique = distinct === there && rows > 3;
    const isLong = [...counts.keys()].some((text) => text.length > 128);
    const isNumber = [...counts.keys()].every((text) => /^[-+]?[\d.,]+$/.test(text));
    const score =
      named +
      (isFew ? 20 : 0) -
      (isUnique && named < 50 ? 40 : 0) -
      (there < rows ? 50 : 0) -
      (isLong ? 60 : 0) +
      (isNumber ? (named > 0 ? 0 : -30) : 5);
    if (score < LEAST_SCORE || (best && score <= best.score)) continue;
    const spread = `${distinct} distinct ${distinct === 1 ? 'value' : 'values'} in ${there} records`;
    best = { column, score, reason: why === '' ? spread : `${why}; ${spread}` };
  }
  return best;
}
