/** Secrets in the cluster, through the Kubernetes API. */
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { SecretData } from './secrets.ts';

const NOT_FOUND = 404;

export interface SecretStore {
  /** null: there is none of this name. */
  read(name: string): Promise<SecretData | null>;
  /** Makes it or replaces its content. @throws Error where somebody else has made or changed it meanwhile */
  write(name: string, data: SecretData): Promise<void>;
}

/** By the token of the pod, or by the person's kubeconfig. */
export function openSecretStore(namespace: string, labels: Record<string, string>): SecretStore {
  const config = new KubeConfig();
  config.loadFromDefault();
  const api = config.makeApiClient(CoreV1Api);
  const versions = new Map<string, string>();
  return {
    async read(name) {
      try {
        const { data = {}, metadata } = await api.readNamespacedSecret({ name, namespace });
        if (metadata?.resourceVersion) versions.set(name, metadata.resourceVersion);
        return Object.fromEntries(
          Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        );
      } catch (error) {
        if ((error as { code?: number }).code === NOT_FOUND) return null;
        throw new Error(`the Secret ${namespace}/${name} cannot be read: ${messageOf(error)}`, { cause: error });
      }
    },
    async write(name, data) {
      const resourceVersion = versions.get(name);
      const body = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, labels, ...(resourceVersion ? { resourceVersion } : {}) },
        type: 'Opaque',
        stringData: { ...data },
      };
      try {
        const written = resourceVersion
          ? await api.replaceNamespacedSecret({ name, namespace, body })
          : await api.createNamespacedSecret({ namespace, body });
        if (written.metadata?.resourceVersion) versions.set(name, written.metadata.resourceVersion);
      } catch (error) {
        throw new Error(`the Secret ${namespace}/${name} cannot be written: ${messageOf(error)}`, { cause: error });
      }
    },
  };
}

/** The sentence of the API server, not the whole answer with its headers. */
function messageOf(error: unknown): string {
  const { body, message } = error as { body?: string; message: string };
  try {
    return String((JSON.parse(body ?? '') as { message?: string }).message ?? message);
  } catch {
    return message;
  }
}
