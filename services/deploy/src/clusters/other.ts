import { Refused } from '../refused.ts';
import { BUILD_MS, type Cluster, QUESTION_MS, type Tools } from './cluster.ts';
import { buildWithDocker } from './docker.ts';

/** Any other cluster: it pulls its images, so one that was built here goes through a registry. */
export function otherCluster({ context, registry }: { context: string; registry: string | null }, tools: Tools): Cluster {
  return {
    name: `the cluster of the context ${context}`,
    kubectl: ['kubectl', '--context', context],
    values: {},
    ready: async () => undefined,
    imageName(tag) {
      if (registry === null)
        throw new Refused([
          `the context ${context} is neither kind nor minikube, so its nodes pull images: give IMAGE_REGISTRY (a place that you may push to and they may pull from, such as ghcr.io/somebody), or IMAGE (one that is there)`,
        ]);
      return `${registry}/millrace:${tag}`;
    },
    async bring(image) {
      const pushed = await tools.run(['docker', 'manifest', 'inspect', image], { withinMs: QUESTION_MS }).then(
        () => true,
        () => false,
      );
      if (pushed) return;
      await buildWithDocker(image, tools);
      tools.say(`pushing ${image}`);
      await tools.run(['docker', 'push', '--quiet', image], { withinMs: BUILD_MS });
    },
  };
}
