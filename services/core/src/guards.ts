/**
 * The guards that keep each row once (DESIGN 1.2, 1.3): what each prevents, and a switch by which a test takes one out and
 * sees that the thing happens. `docs/guards.md` is made from this table; a guard that no test takes out fails
 * `docs/guards.test.ts`.
 *
 * Invariant: a guard can be out only under NODE_ENV=test. In any other environment `guarded` is always true, and a role
 * that finds the variable set does not start.
 */
import type { Logger } from './log.ts';

interface GuardText {
  /** One sentence: what would happen without it. */
  prevents: string;
  /** Where it is asked for: a rule of DESIGN, a trap of kafkajs that was measured, or a decision. */
  rule: string;
}

export const GUARDS = {
  // The log that is read is the one that was meant.
  'fetched-topic-id': {
    prevents: 'A topic that is recreated under a busy reader is read on at the old offset, and what stands before it is lost.',
    rule: 'DESIGN 1.2 rule 2, trap 4',
  },
  'position-topic-id': {
    prevents: 'An offset that was stored for a deleted topic counts for its successor, and what stands before it is lost.',
    rule: 'DESIGN 1.2 rules 2 and 5',
  },
  bookmark: {
    prevents: 'A log that was cut and grew again is read on at the old offset, and the new records before it are lost.',
    rule: 'DESIGN 1.2 rule 5',
  },
  'log-end': {
    prevents: 'A reader behind the end of a log that was cut waits there, for ever or until other records have its offsets.',
    rule: 'DESIGN 1.2 rule 5, trap 6',
  },
  'leader-epoch': {
    prevents: 'A log that is cut under a living reader by a new leader, and grows again, is read on with a hole.',
    rule: 'DESIGN 1.2 rule 5, decision 0007',
  },
  'second-look': {
    prevents: 'A broker that does not know yet that it was replaced makes a reader start at the beginning for nothing.',
    rule: 'decision 0007',
  },
  'lost-gap': {
    prevents: 'Records that retention removed unread are gone without a count, a metric or a word.',
    rule: 'DESIGN 1.2 rule 5',
  },
  'new-partition-from-start': {
    prevents: 'The first records of a partition that was added under load are skipped.',
    rule: 'DESIGN 1.2, last paragraph; trap 5',
  },
  'new-partitions-noticed': {
    prevents: 'A partition that was added is read by nobody until a member joins or leaves.',
    rule: 'DESIGN 1.2, last paragraph',
  },
  'one-handler': {
    prevents: 'A partition that comes back after a rebalance is handled twice at a time.',
    rule: 'DESIGN 1.2 rule 1',
  },
  'return-in-rebalance': {
    prevents: 'A handler that waits through an outage holds the group up, and its member is thrown out of it.',
    rule: 'DESIGN 1.3, trap 7',
  },
  'lost-membership-abort': {
    prevents: 'A handler whose partition was taken away goes on working and committing.',
    rule: 'DESIGN 1.3',
  },
  // What was sent is in the log, once and in order.
  'answer-named': {
    prevents: 'A send that was written nowhere counts as acknowledged.',
    rule: 'DESIGN 1.2 rule 1, traps 1 and 2',
  },
  'one-in-flight': {
    prevents: 'Two sends to one partition at a time have the same sequence number, and the broker takes one for a repeat.',
    rule: 'DESIGN 1.2 rule 1',
  },
  'new-producer': {
    prevents: 'After a rejected send the next one is acknowledged and not written, or rejected for ever.',
    rule: 'DESIGN 1.2 rule 1, trap 3',
  },
  'send-topic-id': {
    prevents: 'A send that is tried again gets into the successor of the topic that was meant.',
    rule: 'DESIGN 1.2 rule 2, decision 0015',
  },
  // The producer.
  'checkpoint-after-acks': {
    prevents: 'A replay that is killed goes on behind records that were never acknowledged, and they are lost.',
    rule: 'DESIGN 1.2 rule 6',
  },
  'replay-tail': {
    prevents: 'A replay that is killed sends again what was acknowledged after its last checkpoint.',
    rule: 'DESIGN 1.2 rule 6',
  },
  // The processor.
  'raw-topic-id-before-send': {
    prevents: 'Rows of a raw topic that was deleted meanwhile are sent behind those of its successor.',
    rule: 'DESIGN 1.2 rule 2',
  },
  'processed-topic-id-before-send': {
    prevents: 'A recreated processed topic gets later rows only, and the rows that went with the former one are lost.',
    rule: 'decision 0015',
  },
  'processed-id-in-progress': {
    prevents: 'A processed topic that was recreated while no processor ran takes its unstored rows along.',
    rule: 'decision 0015',
  },
  'acks-before-commit': {
    prevents: 'A raw offset is committed whose rows or refusals are in no log.',
    rule: 'DESIGN 1.2 rule 1, 1.1',
  },
  'refusals-before-rows': {
    prevents: 'After a kill between two sends and a change of the spec, a refused record ends nowhere.',
    rule: 'decision 0015',
  },
  'cut-origin': {
    prevents: 'After a raw log was cut, new records have offsets that were used before, and the sink takes them for repeats.',
    rule: 'decision 0004',
  },
  'replay-position': {
    prevents: 'Records that a replay sends again after a kill become rows twice.',
    rule: 'DESIGN 1.2 rule 6, decision 0003',
  },
  // The sink.
  'origin-repeats': {
    prevents: 'What a processor sends again, after a kill or with its offsets lost, is stored again.',
    rule: 'DESIGN 1.2 rule 4',
  },
  'origin-topic-id': {
    prevents: 'The records of a recreated raw topic are taken for repeats of the former one, and dropped.',
    rule: 'DESIGN 1.2 rules 2 and 4',
  },
  'loaded-topic-id': {
    prevents: 'A batch of another processed topic than the one that was loaded is stored as if it followed.',
    rule: 'DESIGN 1.2 rule 2',
  },
  'position-compare': {
    prevents: 'Two sinks that believe to own a partition both store its rows.',
    rule: 'DESIGN 1.2 rule 3',
  },
  'position-writer': {
    prevents: 'A sink that outlives a fall-back of the database takes another state of the same version for its own.',
    rule: 'DESIGN 1.2 rule 3',
  },
  'commit-reread': {
    prevents: 'A COMMIT that nobody answered is taken for done, and its rows are missing until somebody looks.',
    rule: 'DESIGN 1.2 rule 3',
  },
  'transaction-abort': {
    prevents: 'A transaction goes on, and commits, after its partition was taken away.',
    rule: 'DESIGN 1.3',
  },
  'dlq-before-commit': {
    prevents: 'A refusal is in no topic while the position has passed it.',
    rule: 'DESIGN 1.1',
  },
  'row-errors-only': {
    prevents: 'A missing table, missing rights or a full disk pour good rows into the dead-letter topic.',
    rule: 'DESIGN 1.3',
  },
  'refused-whole': {
    prevents: 'A table that takes no row at all empties the topic into the dead-letter topic.',
    rule: 'DESIGN 1.3, decision 0011',
  },
  'redriven-once': {
    prevents: 'A refusal that is redriven twice becomes two rows.',
    rule: 'DESIGN 1.1, decision 0018',
  },
  // The topic of newest rows.
  'one-writer': {
    prevents: 'A sink that was frozen while it sent appends an old state behind the newer one that another has sent meanwhile.',
    rule: 'decision 0040',
  },
  'sent-before-unmarked': {
    prevents: 'A change whose send was not acknowledged is not in the topic until the next change.',
    rule: 'decision 0040',
  },
  'unmarked-as-sent': {
    prevents: 'A change that comes while the state before it is sent is not in the topic until the next change.',
    rule: 'decision 0040',
  },
  'filled-topic-id': {
    prevents: 'A topic that is created again holds only what changes from then on.',
    rule: 'decision 0040',
  },
  // The database's sessions.
  'idle-in-transaction-timeout': {
    prevents: 'A frozen owner of the position row stops its successor for ever.',
    rule: 'DESIGN 1.3',
  },
  'lock-timeout': {
    prevents: 'A batch that waits for a lock holds its handler as long as any statement may take.',
    rule: 'DESIGN 1.3',
  },
  'statement-timeout': {
    prevents: 'A statement that does not end holds its handler and its locks.',
    rule: 'DESIGN 1.3',
  },
} as const satisfies Record<string, GuardText>;

export type Guard = keyof typeof GUARDS;

export const TEST_WITHOUT = 'MILLRACE_TEST_WITHOUT';
const IS_TEST = process.env.NODE_ENV === 'test';

/** Whether a guard holds: always, but for tests that take it out (comma-separated names in `MILLRACE_TEST_WITHOUT`). */
export function guarded(guard: Guard): boolean {
  return !IS_TEST || process.env[TEST_WITHOUT] === undefined || !guardsTakenOut(process.env).includes(guard);
}

/**
 * The guards that are out.
 * @throws Error outside of tests, and for a name that is none
 */
export function guardsTakenOut(environment: NodeJS.ProcessEnv): Guard[] {
  const names = (environment[TEST_WITHOUT] ?? '').split(',').filter((name) => name !== '');
  if (names.length > 0 && environment.NODE_ENV !== 'test')
    throw new Error(
      `${TEST_WITHOUT} is ${JSON.stringify(environment[TEST_WITHOUT])}: it takes out what keeps each row once, and is allowed only under NODE_ENV=test; unset it`,
    );
  return names.map((name) => {
    if (!(name in GUARDS))
      throw new Error(`${TEST_WITHOUT} names ${JSON.stringify(name)}; allowed are ${Object.keys(GUARDS).join(', ')}`);
    return name as Guard;
  });
}

/** Says aloud which guards are out. @throws as `guardsTakenOut` */
export function tellGuardsTakenOut(log: Logger, environment: NodeJS.ProcessEnv = process.env): void {
  for (const guard of guardsTakenOut(environment))
    log.error({ guard }, `a guard is taken out, for a test: ${GUARDS[guard].prevents}`);
}
