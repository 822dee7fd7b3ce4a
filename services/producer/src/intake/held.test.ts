import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { KeyedRecord } from '../send/key.ts';
import { Held } from './held.ts';

const recordOf = (n: number): KeyedRecord => ({ key: Buffer.from('k'), value: Buffer.from(String(n)), headers: {} });

interface Group {
  records: KeyedRecord[];
  sendsAgain: boolean;
  told: string[];
}

/** A group of records is taken, some records are acknowledged (whether they are held or not), or a send is rejected. */
const deed = fc.oneof(
  fc.record({ take: fc.integer({ min: 1, max: 4 }), sendsAgain: fc.boolean() }),
  fc.record({ acknowledge: fc.array(fc.nat(60), { maxLength: 6 }) }),
  fc.constant('reject' as const),
);

test('whatever happens: told once at most, acknowledged only when all is, and what nobody sends again is held in order', () => {
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 40 }), (deeds) => {
      const held = new Held();
      const groups: Group[] = [];
      const acknowledged = new Set<KeyedRecord>();
      const all = (): KeyedRecord[] => groups.flatMap(({ records }) => records);
      for (const what of deeds) {
        if (what === 'reject') held.reject('why');
        else if ('take' in what) {
          const base = all().length;
          const records = Array.from({ length: what.take }, (_, n) => recordOf(base + n));
          const group: Group = { records, sendsAgain: what.sendsAgain, told: [] };
          groups.push(group);
          const rejected = what.sendsAgain ? (why: string) => group.told.push(why) : null;
          held.add(records, { acknowledged: () => group.told.push('acknowledged'), rejected });
        } else {
          const records = what.acknowledge.flatMap((n) => all()[n] ?? []);
          for (const record of records) acknowledged.add(record);
          held.acknowledge(records);
        }
        for (const { records, sendsAgain, told } of groups) {
          const isAll = records.every((record) => acknowledged.has(record));
          expect(told.length).toBeLessThanOrEqual(1);
          if (told[0] === 'acknowledged') expect(isAll).toBe(true);
          if (!sendsAgain) expect(told).toEqual(isAll ? ['acknowledged'] : []);
          if (sendsAgain && isAll) expect(told).toHaveLength(1);
          if (sendsAgain && what === 'reject') expect(told).toHaveLength(1);
        }
        const waiting = groups.filter(({ told }) => told.length === 0).flatMap(({ records }) => records);
        expect([...held.records]).toEqual(waiting.filter((record) => !acknowledged.has(record)));
        expect(held.size).toBe([...held.records].length);
      }
    }),
  );
});
