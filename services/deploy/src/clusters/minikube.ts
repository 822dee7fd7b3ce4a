import { BUILD_MS, type Cluster, LOCAL_IMAGE, QUESTION_MS, type Tools } from './cluster.ts';
import { buildWithDocker } from './docker.ts';

/** A profile of minikube. */
export function minikubeCluster({ context, profile }: { context: string; profile: string }, tools: Tools): Cluster {
  const minikube = ['minikube', '--profile', profile, 'image'];
  return {
    name: `the minikube cluster ${profile}`,
    kubectl: ['kubectl', '--context', context],
    values: {},
    ready: async () => void (await tools.run(['minikube', 'version', '--short'], { withinMs: QUESTION_MS })),
    imageName: (tag) => `${LOCAL_IMAGE}:${tag}`,
    async bring(image) {
      const there = await tools.run([...minikube, 'ls'], { withinMs: QUESTION_MS });
      if (there.split('\n').includes(image)) return;
      await buildWithDocker(image, tools);
      await tools.run([...minikube, 'load', image], { withinMs: BUILD_MS });
    },
  };
}
