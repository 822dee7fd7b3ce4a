/** Records that are wrong on purpose: what the chain must refuse, each alone. */
import { stringifyJson } from '@millrace/core/record/json.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import type { Field } from '@millrace/core/spec/record.ts';
import { FAULT_KINDS } from '@millrace/core/spec/source.ts';
import { pathsOf } from '../send/key.ts';
import { writePath } from '../send/writePath.ts';
import type { Part } from './simulate.ts';

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  kind: FaultKind;
  /** The text of the bad record `n`; changes the good one that is given. */
  apply(record: Record<string, unknown>, n: number): string;
}

interface Target extends Part {
  field: Field;
}

/**
 * For each kind that fits the fields: its faults, one per field it fits.
 * @throws Error naming the kinds where none of them fits
 */
export function faultsOf(pipeline: Pipeline, parts: readonly Part[], kinds: readonly FaultKind[] = FAULT_KINDS): Fault[][] {
  const { fields, key } = pipeline.spec.record;
  const time = parts[0] as Part;
  const targets = parts.slice(1).map((part) => ({ ...part, field: fields[part.name] as Field }));
  const set = (kind: FaultKind, path: string, value: (n: number) => unknown): Fault => ({
    kind,
    apply: (record, n) => {
      writePath(record, path, value(n));
      return stringifyJson(record);
    },
  });
  // What stands at no other of its paths either, so that it is really missing.
  const needed = ({ name, field }: Target): boolean =>
    field.required === true &&
    field.default === undefined &&
    pathsOf(name, field.from).every((path, at) => at === 0 || !parts.some((part) => part.path === path));

  const make: Record<FaultKind, () => Fault[]> = {
    missing: () => [...targets.filter(needed), time].map(({ path }) => set('missing', path, () => undefined)),
    outOfRange: () => targets.flatMap(({ path, field }) => beyond(field).map((value) => set('outOfRange', path, () => value))),
    wrongType: () =>
      targets.filter(({ field }) => field.type !== 'text').map(({ path }) => set('wrongType', path, (n) => `wrong-${n}`)),
    badTime: () => [set('badTime', time.path, (n) => `no time ${n}`)],
    notJson: () => [{ kind: 'notJson', apply: (record) => stringifyJson(record).slice(0, -1) }],
    nulByte: () =>
      targets
        .filter(({ name, field }) => field.type === 'text' && name !== key && !field.enum)
        .map(({ path }) => set('nulByte', path, (n) => `nul-${n}\u0000`)),
  };
  const fitting = kinds.map((kind) => make[kind]()).filter((faults) => faults.length > 0);
  if (fitting.length === 0)
    throw new Error(
      `source.simulator.faults.kinds: none of ${kinds.join(', ')} fits the fields; allowed are ${FAULT_KINDS.join(', ')}`,
    );
  return fitting;
}

/** A number outside of the declared range; none where there is no range. */
function beyond({ type, min, max }: Field): number[] {
  if (type !== 'int' && type !== 'float') return [];
  if (max !== undefined) return [Math.floor(max) + 1];
  return min === undefined ? [] : [Math.ceil(min) - 1];
}
