/** kubectl for one namespace of one cluster. */
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { run } from './command.ts';

/** Of a question or a change; waiting for what comes of it is done by asking again. */
const WITHIN_MS = 120_000;
/** Who we are for server-side apply. */
const FIELD_MANAGER = 'millrace';

export interface Kubectl {
  namespace: string;
  run(...words: string[]): Promise<string>;
  /** With this as standard input. */
  feed(input: string, ...words: string[]): Promise<string>;
  /** Objects of a kind, such as `pods`. */
  list<T>(kind: string, ...words: string[]): Promise<T[]>;
  /** Server-side apply, in order. @returns the warnings of the API server */
  apply(objects: readonly Manifest[], ...words: string[]): Promise<string[]>;
  /** All words of a command, for one that is to run by itself. */
  words(...words: string[]): string[];
}

/** @param program the words before kubectl's own, such as `kubectl` or `kubelab kubectl` */
export function kubectlOf(program: readonly string[], env: NodeJS.ProcessEnv, namespace: string): Kubectl {
  const whole = (...words: string[]) => [...program, '--namespace', namespace, ...words];
  const ask = (words: readonly string[], input?: string) =>
    run(whole(...words), { env, withinMs: WITHIN_MS, ...(input === undefined ? {} : { input }) });
  return {
    namespace,
    words: whole,
    run: (...words) => ask(words),
    feed: (input, ...words) => ask(words, input),
    list: async <T>(kind: string, ...words: string[]) =>
      (JSON.parse(await ask(['get', kind, '--output=json', ...words])) as { items: T[] }).items,
    async apply(objects, ...words) {
      const warnings: string[] = [];
      await run(whole('apply', '--server-side', `--field-manager=${FIELD_MANAGER}`, '--filename=-', ...words), {
        env,
        withinMs: WITHIN_MS,
        input: documents(objects),
        show: (line) => void (line.startsWith('Warning:') && warnings.push(line)),
      });
      return warnings;
    },
  };
}

/** As kubectl reads several objects. */
export function documents(objects: readonly object[]): string {
  return objects.map((object) => `---\n${JSON.stringify(object)}\n`).join('');
}
