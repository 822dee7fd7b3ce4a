/** A name for a program that talks to the Kubernetes API, and the little that it may do there, in its own namespace. */
import { ApiObject } from 'cdk8s';
import type { Construct } from 'constructs';
import { type Identity, labelsOf } from '../constructs/labels.ts';

export interface Rule {
  apiGroup: string;
  resources: readonly string[];
  /** Only these objects. */
  names?: readonly string[];
  verbs: readonly string[];
}

/** A ServiceAccount with a Role of the same name. */
export function serviceAccount(
  scope: Construct,
  name: string,
  identity: Identity,
  namespace: string,
  rules: readonly Rule[],
): void {
  const metadata = { name, labels: labelsOf(identity) };
  const group = 'rbac.authorization.k8s.io';
  new ApiObject(scope, `${name}-account`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata,
    // Pods that need the token ask for it.
    automountServiceAccountToken: false,
  });
  new ApiObject(scope, `${name}-role`, {
    apiVersion: `${group}/v1`,
    kind: 'Role',
    metadata,
    rules: rules.map(({ apiGroup, resources, names, verbs }) => ({
      apiGroups: [apiGroup],
      resources,
      ...(names ? { resourceNames: names } : {}),
      verbs,
    })),
  });
  new ApiObject(scope, `${name}-binding`, {
    apiVersion: `${group}/v1`,
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: group, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name, namespace }],
  });
}
