import { expect, test } from 'vitest';
import { type Operated, unreadyOf } from './operated.ts';

const item = (kind: string, status?: Operated['status']): Operated => ({
  kind,
  metadata: { name: 'a' },
  ...(status === undefined ? {} : { status }),
});

test.each<[Operated, string]>([
  [item('KafkaUser'), 'KafkaUser a (its operator has said nothing of it)'],
  [
    item('KafkaUser', { conditions: [{ type: 'Ready', status: 'False', reason: 'Bad', message: 'no authorization' }] }),
    'KafkaUser a (no authorization)',
  ],
  [item('KafkaTopic', { conditions: [{ type: 'Ready', status: 'True' }] }), ''],
  [
    item('Cluster', { conditions: [{ type: 'Ready', status: 'False', message: 'Setting up primary' }] }),
    'Cluster a (Setting up primary)',
  ],
  [item('Database', { applied: false, message: 'no such owner' }), 'Database a (no such owner)'],
  [item('DatabaseRole', { applied: true }), ''],
])('%j is told as %j', (one, told) => {
  expect(unreadyOf([one])).toBe(told);
});
