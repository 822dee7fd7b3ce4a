/**
 * What a structural schema cannot say of a Pipeline, in CEL (https://kubernetes.io/docs/reference/using-api/cel/): what the zod
 * schema refines, names of maps, what must not change, and the checks across fields that are cheap enough for the API server.
 * `millrace validate` and the operator check all of it and more, with better sentences.
 */
import { SOURCE_KINDS } from '@millrace/core/spec/source.ts';

export interface Rule {
  /** In CEL; `self` is the value, `oldSelf` what it was. */
  rule: string;
  message: string;
}

interface Rules {
  rules: readonly Rule[];
  /** Beside them: sizes that bound the cost of a rule, kinds of lists. */
  more?: Readonly<Record<string, unknown>>;
}

const exactlyOne = (names: readonly string[]): Rule => ({
  rule: `[${names.map((name) => `has(self.${name})`).join(', ')}].exists_one(x, x)`,
  message: `give exactly one of ${names.join(', ')}`,
});
const ordered = (low: string, high: string, relation: '<' | '<='): Rule => ({
  rule: `!has(self.${low}) || !has(self.${high}) || self.${low} ${relation} self.${high}`,
  message: `${low} is ${relation === '<' ? 'not below' : 'above'} ${high}`,
});

/** By path in the Pipeline; `*` stands for any name. */
export const RULES: Readonly<Record<string, Rules>> = {
  '': {
    rules: [
      {
        rule: "self.metadata.name.matches('^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$')",
        message: 'metadata.name is a name of lower-case letters, digits and -, at most 40 long',
      },
    ],
  },
  spec: {
    rules: [
      {
        rule: '!has(self.scale) || !has(self.scale.producers) || self.scale.producers == 1 || has(self.source.http) || (has(self.source.mqtt) && has(self.source.mqtt.shared))',
        message: 'scale.producers above 1 goes with source.http, or source.mqtt with shared',
      },
    ],
  },
  'spec.source': { rules: [exactlyOne(SOURCE_KINDS)] },
  'spec.source.replay.pace': { rules: [exactlyOne(['unlimited', 'interval', 'multiplier'])] },
  'spec.source.simulator': { rules: [{ rule: 'has(self.rate) || has(self.step)', message: 'give rate or step' }] },
  'spec.topics.partitions': { rules: [{ rule: 'self >= oldSelf', message: 'partitions may grow, never shrink' }] },
  'spec.record': {
    rules: [{ rule: 'self.key in self.fields', message: 'key is one of fields' }],
  },
  'spec.record.fields': {
    more: { maxProperties: 700 },
    rules: [
      {
        rule: "self.all(name, name.matches('^([A-Za-z]|_[A-Za-z0-9])[A-Za-z0-9_]{0,57}$'))",
        message: 'a field has a name of letters, digits and _, not starting with a digit or with __, at most 59 long',
      },
      {
        rule: 'self.all(name, !(name in oldSelf) || self[name].type == oldSelf[name].type)',
        message: 'the type of a stored column never changes: give the field another name, or make the rows anew',
      },
    ],
  },
  'spec.record.fields.*': { rules: [ordered('min', 'max', '<=')] },
  'spec.table.name': { rules: [{ rule: 'self == oldSelf', message: 'the table never changes: make another Pipeline' }] },
  'spec.table.unique': {
    rules: [
      { rule: '!has(self.keep) || has(self.columns)', message: 'keep without columns' },
      { rule: "!has(self.columns) || 'time' in self.columns", message: 'time must be among columns' },
    ],
  },
  'spec.scale': { rules: [ordered('min', 'max', '<=')] },
  'spec.alerts.lagSeconds': { rules: [ordered('warn', 'critical', '<')] },
  'status.conditions': { rules: [], more: { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] } },
};
