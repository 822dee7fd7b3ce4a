/** Which cluster is meant, from what the kubeconfig and the environment say. Pure. */
import type { Options } from './options.ts';
import { Refused } from './refused.ts';

/** As `kubectl config view --output=json` shows it. */
export interface Kubeconfig {
  'current-context'?: string;
  contexts?: { name: string; context?: { extensions?: { extension?: { provider?: string } }[] | null } }[] | null;
}

export type Where =
  | { kind: 'kubelab'; folder: string }
  | { kind: 'kind'; context: string; cluster: string }
  | { kind: 'minikube'; context: string; profile: string }
  | { kind: 'other'; context: string };

/** minikube marks its contexts, whose names are those of its profiles. */
const MINIKUBE = 'minikube.sigs.k8s.io';

/**
 * @param kubeconfig null: there is none, or no kubectl to read it @param beside folder of a kubelab beside this checkout
 * @throws Refused where there is no cluster, or the context is not known
 */
export function whereIs(
  { context, kubelab, kubeconfig: file }: Pick<Options, 'context' | 'kubelab' | 'kubeconfig'>,
  kubeconfig: Kubeconfig | null,
  beside: string | null,
): Where {
  if (kubelab !== null) return { kind: 'kubelab', folder: kubelab };
  const contexts = kubeconfig?.contexts ?? [];
  const names = contexts.map(({ name }) => name);
  const wanted = context ?? kubeconfig?.['current-context'] ?? '';
  if (wanted === '' && file === null && beside !== null) return { kind: 'kubelab', folder: beside };
  if (wanted === '')
    throw new Refused([
      `there is no cluster: ${names.length > 0 ? `the kubeconfig has no current context; give CONTEXT, one of ${names.join(', ')}` : 'no kubeconfig with a context was found. `kind create cluster` or `minikube start` makes one, KUBECONFIG names that of another'}`,
    ]);
  const found = contexts.find(({ name }) => name === wanted);
  if (!found)
    throw new Refused([
      `${context === null ? 'the current context of the kubeconfig' : 'CONTEXT'} is ${JSON.stringify(wanted)}, which the kubeconfig does not have; allowed is ${names.length > 0 ? names.join(', ') : 'a context of it, and it has none'}`,
    ]);
  if (wanted.startsWith('kind-')) return { kind: 'kind', context: wanted, cluster: wanted.slice('kind-'.length) };
  const marked = (found.context?.extensions ?? []).some(({ extension }) => extension?.provider === MINIKUBE);
  if (marked || wanted === 'minikube') return { kind: 'minikube', context: wanted, profile: wanted };
  return { kind: 'other', context: wanted };
}
