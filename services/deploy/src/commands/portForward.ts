import type { Tools } from '../clusters/cluster.ts';
import type { Options } from '../options.ts';
import { portForward } from '../portForward.ts';
import { targetOf } from '../target.ts';
import { untilInterrupted } from './interrupt.ts';

export async function portForwardCommand(options: Options, tools: Tools): Promise<void> {
  const target = await targetOf(options, tools);
  await untilInterrupted((signal) => portForward(target, signal));
}
