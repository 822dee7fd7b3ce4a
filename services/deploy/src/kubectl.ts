/** kubectl for one namespace of one cluster. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { run } from './command.ts';

/** Of a question or a change; waiting for what comes of it is done by asking again. */
const WITHIN_MS = 60_000;
/** Who we are for server-side apply. */
const FIELD_MANAGER = 'millrace';

export interface Kubectl {
  namespace: string;
  run(...words: string[]): Promise<string>;
  /** With this as standard input. */
  feed(input: string, ...words: string[]): Promise<string>;
  /** Objects of a kind, such as `pods`. */
  list<T>(kind: string): Promise<T[]>;
  /** Server-side apply, in order. @returns the warnings of the API server */
  apply(objects: readonly Manifest[]): Promise<string[]>;
}

/** @param program the words before kubectl's own, such as `kubectl` or `kubelab kubectl` */
export function kubectlOf(program: readonly string[], env: NodeJS.ProcessEnv, namespace: string): Kubectl {
  const ask = (words: readonly string[], input?: string) =>
    run([...program, '--namespace', namespace, ...words], {
      env,
      withinMs: WITHIN_MS,
      ...(input === undefined ? {} : { input }),
    });
  return {
    namespace,
    run: (...words) => ask(words),
    feed: (input, ...words) => ask(words, input),
    list: async <T>(kind: string) => (JSON.parse(await ask(['get', kind, '--output=json'])) as { items: T[] }).items,
    async apply(objects) {
      const warnings: string[] = [];
      const text = objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
      await run(
        [...program, '--namespace', namespace, 'apply', '--server-side', `--field-manager=${FIELD_MANAGER}`, '--filename=-'],
        {
          env,
          withinMs: WITHIN_MS,
          input: text,
          show: (line) => void (line.startsWith('Warning:') && warnings.push(line)),
        },
      );
      return warnings;
    },
  };
}
