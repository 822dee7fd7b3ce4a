/** Consumer groups as a whole: who is in them, and their end. */
import type { Cluster } from './cluster.ts';
import { errorOf, typeOf } from './errors.ts';
import { persist } from './retry.ts';

const WITHIN_MS = 12_000;

/** Members that a group has now; 0 also where there is no such group. @throws KafkaError where nobody can tell within 12 s */
export async function groupMembers(cluster: Cluster, group: string): Promise<number> {
  return persist(
    () =>
      cluster.onCoordinator(group, async (link) => {
        try {
          const { groups } = await link.broker.describeGroups({ groupIds: [group] });
          return groups[0]?.members.length ?? 0;
        } catch (error) {
          if (typeOf(error) === 'GROUP_ID_NOT_FOUND') return 0;
          throw error;
        }
      }),
    { withinMs: WITHIN_MS, what: `${cluster.name} did not tell who is in group ${group}` },
  );
}

/**
 * Deletes a group with its offsets; false where there was none.
 * @throws KafkaError, also where it has members
 */
export async function deleteGroup(cluster: Cluster, group: string): Promise<boolean> {
  return persist(
    () =>
      cluster.onCoordinator(group, async (link) => {
        const { results } = await link.broker.deleteGroups([group]);
        const error = errorOf(results[0]?.errorCode ?? 0);
        if (typeOf(error) === 'GROUP_ID_NOT_FOUND') return false;
        if (error !== null) throw error;
        return true;
      }),
    { withinMs: WITHIN_MS, what: `${cluster.name} did not delete group ${group}` },
  );
}
