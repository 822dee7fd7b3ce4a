import { until } from '../../../faults/until.ts';
import type { Fault } from '../fault.ts';
import { aliveJobs, services } from '../pods.ts';
import { LOOK_EVERY_MS, WITHIN_MS } from '../times.ts';

/**
 * A rolling upgrade of all roles of all Pipelines to another image, as a second `make deploy` does it; the next time back to
 * the first. Set-up and bootstrap run again with it, and their pods are deleted while they are alive.
 */
export const changeImage: Fault = {
  name: 'roll all roles to another image',
  kind: 'roll',
  lacks: null,
  async happen(world, random) {
    const { kubectl, pods, values, otherImage } = world;
    if (otherImage === null) throw new Error('there is no other image');
    const from = world.image();
    const to = from === values.image ? otherImage : values.image;
    await world.deploy(to);
    const alive = random.shuffle(aliveJobs(await pods()));
    for (const { metadata } of alive) await kubectl.run('delete', 'pod', metadata.name, '--wait=false', '--ignore-not-found');
    const isDone = async (): Promise<boolean> => {
      const all = await pods();
      const old = services(all).filter(({ spec }) => spec.containers.some(({ image }) => image === from));
      return old.length === 0 && aliveJobs(all).length === 0;
    };
    await until(`all roles run ${to}, set-up and bootstrap have ended`, WITHIN_MS, isDone, LOOK_EVERY_MS);
    return `from ${tagOf(from)} to ${tagOf(to)}; ${alive.length} pods of set-up and bootstrap deleted at work`;
  },
};

const tagOf = (image: string): string => image.slice(image.lastIndexOf(':') + 1);
