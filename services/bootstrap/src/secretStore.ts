/** Secrets in the cluster, through the Kubernetes API. */
import { CoreV1Api, KubeConfig, type V1Secret } from '@kubernetes/client-node';
import type { SecretData } from './secrets.ts';

const NOT_FOUND = 404;

export interface SecretStore {
  /** null: there is none of this name. */
  read(name: string): Promise<SecretData | null>;
  /** Makes it, of this type, or replaces its content. @throws Error where somebody else has made or changed it meanwhile */
  write(name: string, data: SecretData, type?: string): Promise<void>;
}

/** By the token of the pod, or by the person's kubeconfig. */
export function openSecretStore(namespace: string, labels: Record<string, string>): SecretStore {
  const config = new KubeConfig();
  config.loadFromDefault();
  const api = config.makeApiClient(CoreV1Api);
  /** Of what is there: a type cannot be changed. */
  const found = new Map<string, { resourceVersion: string; type: string | undefined }>();
  const remember = (name: string, { type, metadata }: V1Secret): void => {
    if (metadata?.resourceVersion) found.set(name, { resourceVersion: metadata.resourceVersion, type });
  };
  return {
    async read(name) {
      try {
        const secret = await api.readNamespacedSecret({ name, namespace });
        remember(name, secret);
        return Object.fromEntries(
          Object.entries(secret.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
        );
      } catch (error) {
        if ((error as { code?: number }).code === NOT_FOUND) return null;
        throw new Error(`the Secret ${namespace}/${name} cannot be read: ${messageOf(error)}`, { cause: error });
      }
    },
    async write(name, data, type = 'Opaque') {
      const old = found.get(name);
      const body = {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name, labels, ...(old ? { resourceVersion: old.resourceVersion } : {}) },
        type: old?.type ?? type,
        stringData: { ...data },
      };
      try {
        const written = old
          ? await api.replaceNamespacedSecret({ name, namespace, body })
          : await api.createNamespacedSecret({ namespace, body });
        remember(name, written);
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
