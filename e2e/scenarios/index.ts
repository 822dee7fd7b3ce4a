/** The scenarios: one line each. */
import { databaseRestored, databaseRestoredAndUsed } from './databaseRestored.ts';
import { endlessStatement, frozenOwner, tableLocked } from './frozenOwner.ts';
import { groupOffsetsLost } from './groupOffsetsLost.ts';
import { processedLogTruncated, rawLogTruncated } from './logTruncated.ts';
import { outageWhileJoining } from './outageWhileJoining.ts';
import { partitionsAdded } from './partitionsAdded.ts';
import { diskFull, tableMissing, withoutRights } from './pauses.ts';
import { processedTopicRecreated, processedTopicRecreatedMeanwhile } from './processedTopicRecreated.ts';
import { rawTopicRecreated } from './rawTopicRecreated.ts';
import { rawTopicReplaced } from './rawTopicReplaced.ts';
import { rulesChanged, sendRejected } from './refusals.ts';
import { replaySentAgain } from './replaySentAgain.ts';
import { retentionOvertakesProcessor, retentionOvertakesSink } from './retentionOvertakes.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: Record<string, Scenario> = {
  rawTopicRecreated,
  rawTopicReplaced,
  processedTopicRecreated,
  processedTopicRecreatedMeanwhile,
  groupOffsetsLost,
  replaySentAgain,
  sendRejected,
  rulesChanged,
  retentionOvertakesSink,
  retentionOvertakesProcessor,
  partitionsAdded,
  rawLogTruncated,
  processedLogTruncated,
  tableMissing,
  withoutRights,
  diskFull,
  frozenOwner,
  tableLocked,
  endlessStatement,
  outageWhileJoining,
  databaseRestored,
  databaseRestoredAndUsed,
};
