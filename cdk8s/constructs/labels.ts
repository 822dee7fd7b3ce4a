/** Who an object is: the recommended labels, and the ones of them by which it is selected. */

export interface Identity {
  /** The program: kafka, prometheus, or millrace for our own. */
  name: string;
  /** Which one of them: `platform`, or the name of a Pipeline. */
  instance: string;
  /** Its part in it: broker, sink, setup. */
  component: string;
}

/** The same for ever: selectors of Deployments and StatefulSets cannot be changed. */
export function selectorOf({ name, instance, component }: Identity): Record<string, string> {
  return {
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/instance': instance,
    'app.kubernetes.io/component': component,
  };
}

export function labelsOf(identity: Identity): Record<string, string> {
  return {
    ...selectorOf(identity),
    'app.kubernetes.io/part-of': 'millrace',
    'app.kubernetes.io/managed-by': 'millrace',
  };
}
