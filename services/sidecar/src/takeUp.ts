/**
 * One look at the ConfigMaps, and what is new brought into the folder.
 *
 * Invariants: the folder holds only what the program beside has accepted (it reads it again when it is started anew, and one
 * wrong file would keep it from starting); what one ConfigMap holds never keeps another from being taken up; what was
 * refused is tried again at each look, last and alone, so that the program goes on saying that its last reading failed.
 */
import type { Logger } from '@millrace/core/log.ts';
import type { ConfigMaps } from './configMaps.ts';
import type { Files, Folder } from './folder.ts';

/** Asks the program to read the folder again. @returns null, or why it refuses @throws Error where it does not answer */
export type Reload = () => Promise<string | null>;

interface Change {
  name: string;
  /** undefined: it is gone. */
  version: string | undefined;
  files: Files;
}

/** @param reload null: the program looks at the folder by itself @returns one look; rejects where somebody does not answer */
export function takeUp(source: ConfigMaps, folder: Folder, reload: Reload | null, log: Logger): () => Promise<void> {
  /** By name, the version that is in the folder, and the one that was refused. */
  const taken = new Map<string, string | undefined>();
  const refused = new Map<string, string | undefined>();

  /** All of them or none. @returns why they were refused, or null */
  async function put(changes: readonly Change[]): Promise<string | null> {
    const before = changes.map(({ name, files }) => ({ name, files: folder.put(name, files) }));
    const undo = (): void => {
      for (const { name, files } of before) folder.put(name, files);
    };
    let why: string | null;
    try {
      why = reload === null ? null : await reload();
    } catch (error) {
      undo();
      throw error;
    }
    if (why !== null) {
      undo();
      return why;
    }
    for (const { name, version } of changes) {
      if (version === undefined) taken.delete(name);
      else taken.set(name, version);
      refused.delete(name);
    }
    log.info({ configMaps: changes.map(({ name }) => name) }, 'took up what is new');
    return null;
  }

  async function alone(change: Change): Promise<void> {
    const { name, version } = change;
    const why = await put([change]);
    if (why === null || (refused.has(name) && refused.get(name) === version)) return;
    refused.set(name, version);
    log.error({ configMap: name, error: why }, 'what this ConfigMap holds is refused; the rest is not held up');
  }

  return async () => {
    const versions = await source.versions();
    const names = new Set([...versions.keys(), ...taken.keys(), ...folder.names()]);
    const changes: Change[] = [];
    for (const name of names) {
      const version = versions.get(name);
      if (version !== undefined && taken.get(name) === version) continue;
      const files = version === undefined ? {} : await source.files(name);
      // One that goes away between the two questions is gone at the next look.
      if (files !== null) changes.push({ name, version, files });
    }
    const isStubborn = ({ name, version }: Change): boolean => refused.has(name) && refused.get(name) === version;
    const fresh = changes.filter((change) => !isStubborn(change));
    const isWrong = fresh.length > 0 && (await put(fresh)) !== null;
    if (isWrong) for (const change of fresh) await alone(change);
    for (const change of changes.filter(isStubborn)) await alone(change);
  };
}
