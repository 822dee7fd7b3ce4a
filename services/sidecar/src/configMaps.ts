/** ConfigMaps with a label, through the Kubernetes API: first which there are and of which version, then those that are new. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './http.ts';

/** Only names and versions: what they hold is asked for once. */
const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const NOT_FOUND = 404;

export interface ConfigMaps {
  /** Version by name. @throws Error in a sentence where the API does not answer or refuses */
  versions(): Promise<Map<string, string>>;
  /** Content by file; null: it is gone. */
  files(name: string): Promise<Record<string, string> | null>;
}

export interface ConfigMapOptions {
  /** Of the Kubernetes API. */
  api: URL;
  /** With `token` and `ca.crt`, as they are in every pod that has an account; read each time, since they are renewed. */
  account: string;
  namespace: string;
  label: string;
}

export function configMaps({ api, account, namespace, label }: ConfigMapOptions): ConfigMaps {
  const at = new URL(`/api/v1/namespaces/${namespace}/configmaps/`, api);
  async function get(url: URL, accept: string): Promise<unknown> {
    const { status, body } = await ask(url, {
      headers: { accept, authorization: `Bearer ${readFileSync(join(account, 'token'), 'utf8').trim()}` },
      ca: readFileSync(join(account, 'ca.crt'), 'utf8'),
    });
    if (status === NOT_FOUND) return null;
    if (status !== 200) throw new Error(`the Kubernetes API answers ${status} to ${url.pathname}: ${sentenceOf(body)}`);
    return JSON.parse(body);
  }
  return {
    async versions() {
      const url = new URL(at.pathname.slice(0, -1), api);
      url.searchParams.set('labelSelector', label);
      const list = (await get(url, METADATA_ONLY)) as { items: { metadata: { name: string; resourceVersion: string } }[] } | null;
      if (list === null) throw new Error(`the Kubernetes API knows no namespace ${namespace}`);
      return new Map(list.items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    },
    async files(name) {
      const found = (await get(new URL(name, at), 'application/json')) as { data?: Record<string, string> } | null;
      return found && (found.data ?? {});
    },
  };
}

function sentenceOf(body: string): string {
  try {
    return String((JSON.parse(body) as { message?: string }).message ?? body);
  } catch {
    return body.slice(0, 300);
  }
}
