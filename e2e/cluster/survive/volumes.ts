/** Which volumes hold the data: they outlive every pod. */
import type { Kubectl } from '@millrace/deploy/kubectl.ts';

interface Claim {
  metadata: { name: string; uid: string };
  spec: { volumeName: string };
}

/** One line per claim: its name and uid, and the volume it is bound to. */
export async function volumesOf(kubectl: Kubectl): Promise<string> {
  const claims = await kubectl.list<Claim>('persistentvolumeclaims');
  return claims
    .map(({ metadata, spec }) => `${metadata.name} ${metadata.uid} ${spec.volumeName}`)
    .toSorted()
    .join('\n');
}
