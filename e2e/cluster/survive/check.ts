/** The faults as a check of `make e2e`: how to get at the node, and which image roles are upgraded to. */
import { wantedBy } from '@millrace/deploy/wanted.ts';
import type { Context } from '../checks.ts';
import { startSteady } from '../devices/steady.ts';
import { kubelabNode } from './node.ts';
import { survive } from './survive.ts';

export async function checkSurvival({ kubectl, values, target, options, root }: Context): Promise<void> {
  const { where, cluster, say } = target;
  const node = where.kind === 'kubelab' ? kubelabNode(`${where.folder}/kubelab`) : null;
  const other = process.env.UPGRADE_IMAGE ?? (node ? `${values.image}-again` : null);
  if (node && other !== null && process.env.UPGRADE_IMAGE === undefined) await node.tag(values.image, other);
  const controller = await startSteady(kubectl, values);
  try {
    await survive({
      kubectl,
      values,
      node,
      otherImage: other,
      say,
      rounds: numberOf('ROUNDS', 1),
      only: new RegExp(process.env.FAULTS ?? ''),
      seed: numberOf('SEED', 0),
      wantedWith: (image) => wantedBy({ ...options, image }, cluster, root),
    });
    say(await controller.allStored());
  } finally {
    await controller.leave();
  }
}

/** null: not given. @throws Error for what is no whole number from `least` */
function numberOf(name: string, least: number): number | null {
  const text = process.env[name];
  if (text === undefined || text === '') return null;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < least)
    throw new Error(`${name} is ${JSON.stringify(text)}; allowed is a whole number from ${least}`);
  return number;
}
