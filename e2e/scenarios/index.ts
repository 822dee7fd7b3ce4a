/** The scenarios: one file and one line each. */
import { groupOffsetsLost } from './groupOffsetsLost.ts';
import { partitionsAdded } from './partitionsAdded.ts';
import { processedTopicRecreated, processedTopicRecreatedMeanwhile } from './processedTopicRecreated.ts';
import { rawTopicRecreated } from './rawTopicRecreated.ts';
import { rawTopicReplaced } from './rawTopicReplaced.ts';
import { rulesChanged, sendRejected } from './refusals.ts';
import { replaySentAgain } from './replaySentAgain.ts';
import { retentionOvertakes } from './retentionOvertakes.ts';
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
  retentionOvertakes,
  partitionsAdded,
};
