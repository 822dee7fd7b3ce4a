/** Volumes as workloads use them: one function per kind. */
import type { Mount } from './pod.ts';

/** Read-only for user and group of the pod; whole folders, since a file mounted by subPath is never renewed. */
const SECRET_MODE = 0o440;

export function secretMount(secret: string, path: string): Mount {
  return { volume: secret, path, readOnly: true, source: { secret: { secretName: secret, defaultMode: SECRET_MODE } } };
}

/** One key of a Secret, or all. @param volume Secrets may have names that no volume may */
export function secretFileMount(volume: string, path: string, secret: string, key: string | undefined): Mount {
  const items = key === undefined ? {} : { items: [{ key, path: key }] };
  return { volume, path, readOnly: true, source: { secret: { secretName: secret, defaultMode: SECRET_MODE, ...items } } };
}

/** Some keys of a Secret, of which some need not be there. @param volume as above */
export function secretFilesMount(
  volume: string,
  path: string,
  secret: string,
  { needed, optional }: { needed: readonly string[]; optional: readonly string[] },
): Mount {
  const items = (keys: readonly string[]) => keys.map((key) => ({ key, path: key }));
  const sources = [
    { secret: { name: secret, items: items(needed) } },
    ...(optional.length > 0 ? [{ secret: { name: secret, items: items(optional), optional: true } }] : []),
  ];
  return { volume, path, readOnly: true, source: { projected: { defaultMode: SECRET_MODE, sources } } };
}

/** The files of one ConfigMap or of several in one folder. */
export function configMount(volume: string, path: string, ...configMaps: readonly string[]): Mount {
  const [only] = configMaps;
  const source =
    configMaps.length === 1
      ? { configMap: { name: only } }
      : { projected: { sources: configMaps.map((name) => ({ configMap: { name } })) } };
  return { volume, path, readOnly: true, source };
}

/** One file of a ConfigMap, alone in its folder. */
export function configFileMount(volume: string, path: string, configMap: string, file: string): Mount {
  const items = [{ key: file, path: file }];
  return { volume, path, readOnly: true, source: { configMap: { name: configMap, items } } };
}

/** Gone with the pod. @param size the most it may hold, a quantity */
export function scratchMount(volume: string, path: string, size: string, medium?: 'Memory'): Mount {
  return { volume, path, readOnly: false, source: { emptyDir: { sizeLimit: size, ...(medium ? { medium } : {}) } } };
}

/** A volume that somebody else has claimed, to be read. */
export function claimMount(claim: string, path: string): Mount {
  return { volume: claim, path, readOnly: true, source: { persistentVolumeClaim: { claimName: claim, readOnly: true } } };
}

/** Files of several Secrets in one folder. @param secrets keys by Secret, which are the names of the files */
export function secretKeysMount(
  volume: string,
  path: string,
  secrets: readonly { secret: string; keys: readonly string[] }[],
): Mount {
  const sources = secrets.map(({ secret, keys }) => ({
    secret: { name: secret, items: keys.map((key) => ({ key, path: key })) },
  }));
  return { volume, path, readOnly: true, source: { projected: { defaultMode: SECRET_MODE, sources } } };
}
