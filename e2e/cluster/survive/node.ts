/** What can be done to the node itself, past the API server. */
import { run } from '@millrace/deploy/command.ts';

const WITHIN_MS = 120_000;

export interface NodeAccess {
  /** SIGKILL of the first process of a container, and so of all of it. From inside of the container the kernel lets none through. */
  killContainer(id: string): Promise<void>;
  /** The same image under another name. */
  tag(image: string, as: string): Promise<void>;
  restart(component: 'kube-apiserver' | 'kubelet' | 'containerd', how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** @param program kubelab's own */
export function kubelabNode(program: string): NodeAccess {
  const ask = async (...words: string[]): Promise<void> => void (await run([program, ...words], { withinMs: WITHIN_MS }));
  return {
    killContainer: (id) => ask('ctr', 'tasks', 'kill', '--signal', 'SIGKILL', id),
    tag: (image, as) => ask('ctr', 'images', 'tag', '--force', image, as),
    restart: (component, how) => ask('restart', component, ...(how === 'SIGKILL' ? ['--kill'] : [])),
  };
}
