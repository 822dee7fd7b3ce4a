import { BUILD_MS, type Cluster, LOCAL_IMAGE, QUESTION_MS, type Tools } from './cluster.ts';
import { buildWithDocker } from './docker.ts';

/** A cluster of kind: its nodes are containers that Docker's images are loaded into. */
export function kindCluster({ context, cluster }: { context: string; cluster: string }, tools: Tools): Cluster {
  return {
    name: `the kind cluster ${cluster} (context ${context})`,
    kubectl: ['kubectl', '--context', context],
    values: {},
    ready: async () => void (await tools.run(['kind', 'version'], { withinMs: QUESTION_MS })),
    imageName: (tag) => `${LOCAL_IMAGE}:${tag}`,
    async bring(image) {
      await buildWithDocker(image, tools);
      // Nodes that have it are left out by kind itself.
      await tools.run(['kind', 'load', 'docker-image', image, '--name', cluster], { withinMs: BUILD_MS });
    },
  };
}
