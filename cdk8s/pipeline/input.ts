/**
 * Where a replay's files come from in a cluster: a ConfigMap or a volume that the Pipeline names by annotation, mounted
 * at /data, or the web.
 */
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { claimMount, configMount } from '../constructs/mounts.ts';
import type { Flow } from '../constructs/networkPolicy.ts';
import type { Mount } from '../constructs/pod.ts';
import { RenderRefused } from './refused.ts';

export const DATA_CONFIG_MAP = 'millrace.dev/data-configmap';
export const DATA_CLAIM = 'millrace.dev/data-claim';

const FOLDER = '/data';

export interface Input {
  args: string[];
  mounts: Mount[];
  egress: Flow[];
}

const NONE: Input = { args: [], mounts: [], egress: [] };

/** @throws RenderRefused for a file that no pod would find */
export function inputOf({ metadata, spec }: Pipeline): Input {
  const { replay } = spec.source;
  if (!replay) return NONE;
  if (/^https?:/i.test(replay.path)) {
    const { protocol, port } = new URL(replay.path);
    return { ...NONE, egress: [{ peers: ['anywhere'], ports: [Number(port) || (protocol === 'https:' ? 443 : 80)] }] };
  }
  const { [DATA_CONFIG_MAP]: configMap, [DATA_CLAIM]: claim } = metadata.annotations ?? {};
  const mounts = [
    ...(configMap === undefined ? [] : [configMount('data', FOLDER, configMap)]),
    ...(claim === undefined ? [] : [claimMount(claim, FOLDER)]),
  ];
  if (mounts.length !== 1)
    throw new RenderRefused(
      `${metadata.name}: spec.source.replay.path is ${JSON.stringify(replay.path)}, and metadata.annotations names ${mounts.length === 0 ? 'nothing that holds it' : 'two places'}. In a cluster give one of ${DATA_CONFIG_MAP}: NAME (of a ConfigMap with the file), ${DATA_CLAIM}: NAME (of a PersistentVolumeClaim), or an http(s) URL as the path`,
    );
  return { ...NONE, args: ['--input', FOLDER], mounts };
}
