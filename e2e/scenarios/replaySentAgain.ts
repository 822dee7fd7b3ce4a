/** A replay that was killed before its checkpoint sends its last records again. */
import { encodeReplayPosition, REPLAY_POSITION_HEADER } from '@millrace/core/record/raw.ts';
import type { Scenario } from './scenario.ts';
import { numbers, withFeed } from './world.ts';

export const replaySentAgain: Scenario = {
  fear: 'a replay sends records again after a kill',
  run: (world, name) =>
    withFeed(world, name, async (feed) => {
      const at = (n: number) => ({ [REPLAY_POSITION_HEADER]: encodeReplayPosition({ run: 'r', ordinal: n }) });
      await feed.append(numbers(0, 20), 0, at);
      await feed.append(numbers(15, 30), 0, at);
      await Promise.all([feed.processor(), feed.sink()]);
      await feed.drained();
      return feed.outcome(numbers(0, 30));
    }),
  right: { missing: [], twice: [] },
  without: { 'replay-position': { missing: [], twice: numbers(15, 20) } },
};
