/**
 * A Kubernetes of one node on this very machine, where nothing can be pulled: what is not there is built from Debian
 * packages under the upstream's name.
 */
import { existsSync } from 'node:fs';
import { IMAGES } from '@millrace/cdk8s/platform/images.ts';
import { run } from './command.ts';

const QUESTION_MS = 60_000;
const BUILD_MS = 1_500_000;

/** Images that have a stand-in, by the name that its build script takes. */
const STAND_INS = ['kafka', 'timescaledb', 'prometheus', 'alertmanager'] as const;
const IMAGE_OF: Record<(typeof STAND_INS)[number], string> = {
  kafka: IMAGES.kafka.image,
  timescaledb: IMAGES.database.image,
  prometheus: IMAGES.prometheus.image,
  alertmanager: IMAGES.alertmanager.image,
};

export interface Kubelab {
  kubectl: readonly string[];
  /** Up, with all images that a platform needs. */
  start(): Promise<void>;
  /** Builds the Dockerfile of this folder into the cluster, unless an image of this name is there. */
  image(name: string, folder: string, buildArguments: Record<string, string>): Promise<void>;
}

/** @param folder where `kubelab` is */
export function kubelabIn(folder: string, say: (line: string) => void): Kubelab {
  const program = `${folder}/kubelab`;
  const machine = machineEnv();
  const ask = (...words: string[]) => run([program, ...words], { withinMs: QUESTION_MS, env: machine });
  const build = (words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run(words, { withinMs: BUILD_MS, env: { ...machine, ...env } });
  const images = async (): Promise<string[]> => (await ask('images')).split('\n');
  return {
    kubectl: [program, 'kubectl'],

    async start() {
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
      for (const name of STAND_INS) {
        const image = IMAGE_OF[name];
        if (there.includes(image)) continue;
        say(`building the stand-in of ${image}`);
        await build([`${folder}/standins/build`, name], { [`${name.toUpperCase()}_IMAGE`]: image });
      }
    },

    async image(name, context, buildArguments) {
      if ((await images()).includes(name)) return;
      if (!(await images()).some((image) => image.startsWith('docker.io/library/node:'))) {
        say('making the base image of Node');
        await build([program, 'base', 'node']);
      }
      say(`building ${name}`);
      const args = Object.entries(buildArguments).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
      await build([program, 'image', '-t', name, ...args, context]);
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
