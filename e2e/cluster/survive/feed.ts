/** The load during the faults: what flows, and how long it lasts. */

import { parsePipelines } from '@millrace/core/spec/load.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { type ProofFeed, proofYaml } from '../../proofFeed.ts';

/** What two cores stand beside everything that starts again. */
const RECORDS_PER_SECOND = 400;
/** A round takes half of it. What is left when the faults are over flows as fast as it can. */
const SECONDS_PER_ROUND = 600;
const AT_ONCE = 100_000;

export function feedOf(rounds: number): ProofFeed {
  const records = RECORDS_PER_SECOND * SECONDS_PER_ROUND * rounds;
  return { records, badEvery: 1_000, recordsPerSecond: RECORDS_PER_SECOND, partitions: 6, members: 2 };
}

/** The same records as fast as they can be made: only the rate is another. */
export const atOnce = (feed: ProofFeed): ProofFeed => ({ ...feed, recordsPerSecond: AT_ONCE });

export function pipelineOf(feed: ProofFeed): Pipeline {
  const [loaded] = parsePipelines(proofYaml(feed), 'proof.yaml');
  if (!loaded) throw new Error('the proof holds no Pipeline');
  return loaded.pipeline;
}
