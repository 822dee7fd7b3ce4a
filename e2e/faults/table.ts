/**
 * The kinds of faults that may be mixed: after any of them, in any order and at once, each row is there once.
 * A new kind is one file beside this one and one line here.
 */
import { cutDatabase, cutKafka } from './cut.ts';
import { delay } from './delay.ts';
import { dropAnswers } from './dropAnswers.ts';
import type { Fault } from './fault.ts';
import { fillDisk } from './fillDisk.ts';
import { freeze } from './freeze.ts';
import { freezeBroker } from './freezeBroker.ts';
import { killBroker } from './killBroker.ts';
import { killDatabase } from './killDatabase.ts';
import { killMember } from './killMember.ts';
import { recreateTopic } from './recreateTopic.ts';
import { restoreDatabase } from './restoreDatabase.ts';
import { stepClock } from './stepClock.ts';

export const FAULTS: readonly Fault[] = [
  killMember('producer'),
  killMember('processor'),
  killMember('sink'),
  killBroker('leader'),
  killBroker('coordinator'),
  freezeBroker,
  killDatabase,
  freeze('sent'),
  freeze('committed'),
  freeze('copied'),
  freeze('stored'),
  cutKafka,
  cutDatabase,
  delay('Kafka'),
  delay('database'),
  dropAnswers('Produce'),
  dropAnswers('OffsetCommit'),
  dropAnswers('COMMIT'),
  recreateTopic('processed'),
  restoreDatabase,
  fillDisk,
  stepClock,
];
