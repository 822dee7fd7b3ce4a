/**
 * A Kubernetes of one node on this very machine, where nothing can be pulled: what is not there is built from Debian
 * packages under the upstream's name.
 */
import { existsSync } from 'node:fs';
import { IMAGES } from '@millrace/cdk8s/platform/images.ts';
import { BUILD_MS, type Cluster, LOCAL_IMAGE, QUESTION_MS, type Tools } from './cluster.ts';

/** Images that have a stand-in, by the name that its build script takes. */
const STAND_INS: Readonly<Record<string, string>> = {
  kafka: IMAGES.kafka.image,
  timescaledb: IMAGES.database.image,
  prometheus: IMAGES.prometheus.image,
  alertmanager: IMAGES.alertmanager.image,
  mosquitto: IMAGES.mosquitto.image,
};

/** @param folder where `kubelab` is */
export function kubelabCluster({ folder }: { folder: string }, { run, say, root }: Tools): Cluster {
  const program = `${folder}/kubelab`;
  const env = machineEnv();
  const ask = (...words: string[]) => run([program, ...words], { withinMs: QUESTION_MS, env });
  const build = (words: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    run(words, { withinMs: BUILD_MS, env: { ...env, ...more } });
  const images = async (): Promise<string[]> => (await ask('images')).split('\n');
  return {
    name: `kubelab on this machine (${folder})`,
    kubectl: [program, 'kubectl'],
    // No image of Grafana, and Debian's Prometheus cannot ask the Kubernetes API.
    values: { grafana: { enabled: false }, prometheus: { discovery: 'dns' } },

    async ready() {
      if (!(await succeeds(ask('status')))) {
        say('starting kubelab');
        if (!existsSync('/usr/bin/containerd')) {
          await build(['apt-get', 'update', '-qq']);
          await build([program, 'deps']);
        }
        await build([program, 'build']);
        await build([program, 'up']);
      }
      const there = await images();
      const missing: [string, string][] = [];
      // Built before, and lost with the cluster that it was loaded into: it is in the build's own store.
      for (const [name, image] of Object.entries(STAND_INS))
        if (!there.includes(image) && !(await succeeds(build([program, 'load', image])))) missing.push([name, image]);
      if (missing.length === 0) return;
      say(`building the stand-ins of ${missing.map(([, image]) => image).join(', ')}: some minutes, once`);
      const names = Object.fromEntries(missing.map(([name, image]) => [`${name.toUpperCase()}_IMAGE`, image]));
      // All in one call: each makes their base image anew.
      await build([`${folder}/standins/build`, ...missing.map(([name]) => name)], names);
    },

    imageName: (tag) => `${LOCAL_IMAGE}:${tag}`,

    async bring(image) {
      const there = await images();
      if (there.includes(image)) return;
      say(`building ${image}`);
      if (!there.some((one) => one.startsWith('docker.io/library/node:'))) await build([program, 'base', 'node']);
      await build([program, 'image', '-t', image, root]);
    },
  };
}

/**
 * Without the tools of this checkout in PATH: builds are shown the settings of the npm that is found there, and ours, which has
 * none, knows neither the registry nor the certificates of this machine.
 */
function machineEnv(): NodeJS.ProcessEnv {
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('/node_modules/'));
  return { ...process.env, PATH: path.join(':') };
}

async function succeeds(promise: Promise<unknown>): Promise<boolean> {
  try {
    await promise;
    return true;
  } catch {
    return false;
  }
}
