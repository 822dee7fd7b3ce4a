/** The image in its pods: who it runs as, what it can write, and what process 1 does when it is told to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

const WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 1_000;
const USER = 10_001;

/** Run inside of a container, whose image has no other tool for it. */
const LOOK = `
  const fs = require('node:fs');
  const writes = (folder) => { try { fs.writeFileSync(folder + '/x', ''); return true; } catch { return false; } };
  const first = fs.readFileSync('/proc/1/cmdline', 'utf8').split('\\0');
  const capabilities = /CapEff:\\s+(\\S+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];
  console.log(JSON.stringify({ user: process.getuid(), group: process.getgid(), program: first[0], script: first[1],
    writable: ['/', '/app', '/tmp', '/etc/millrace/kafka'].filter(writes), packages: fs.existsSync('/app/node_modules'), capabilities }));
`;

interface Pod {
  status: {
    containerStatuses: {
      ready: boolean;
      restartCount: number;
      lastState: { terminated?: { exitCode: number; reason: string } };
    }[];
  };
}

/** @param name of a Pipeline whose roles run */
export async function checkImage(kubectl: Kubectl, name: string): Promise<void> {
  const looked = JSON.parse(await kubectl.run('exec', `deploy/${name}-sink`, '--', 'node', '-e', LOOK)) as Record<
    string,
    unknown
  >;
  const wanted = {
    user: USER,
    group: USER,
    program: 'node',
    script: '/app/millrace.js',
    writable: [],
    packages: false,
    capabilities: '0000000000000000',
  };
  for (const [key, value] of Object.entries(wanted))
    if (JSON.stringify(looked[key]) !== JSON.stringify(value))
      throw new Error(`${key} in the sink's pod is ${JSON.stringify(looked[key])}, expected ${JSON.stringify(value)}`);
  await endsInOrder(kubectl, name);
}

/** A SIGTERM to process 1, which has no default for it: the processor drains, ends with 0, and is started again. */
async function endsInOrder(kubectl: Kubectl, name: string): Promise<void> {
  const selector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=processor`;
  const look = async () => {
    const { items } = JSON.parse(await kubectl.run('get', 'pods', `--selector=${selector}`, '--output=json')) as { items: Pod[] };
    const [status] = items.flatMap((pod) => pod.status.containerStatuses);
    if (!status || items.length !== 1) throw new Error(`${name} has ${items.length} processors; the check knows one`);
    return status;
  };
  const before = (await look()).restartCount;
  await kubectl.run('exec', `deploy/${name}-processor`, '--', 'node', '-e', 'process.kill(1, "SIGTERM")');
  for (const deadline = performance.now() + WITHIN_MS; ; await sleep(LOOK_EVERY_MS)) {
    const { restartCount, ready, lastState } = await look();
    if (restartCount > before && lastState.terminated?.exitCode !== 0)
      throw new Error(
        `the processor of ${name} ended with ${JSON.stringify(lastState.terminated)} at a SIGTERM, expected exit code 0`,
      );
    if (restartCount > before && ready) return;
    if (performance.now() > deadline)
      throw new Error(`the processor of ${name} is not back ${WITHIN_MS / 1_000} s after a SIGTERM`);
  }
}
