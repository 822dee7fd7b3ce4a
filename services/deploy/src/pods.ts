/** What pods are doing, from what the API server says of them: done, on the way, or stuck and why. Pure. */

export interface Pod {
  metadata: { name: string; labels?: Record<string, string>; deletionTimestamp?: string };
  status: {
    phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
    reason?: string;
    message?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    containerStatuses?: {
      name: string;
      ready: boolean;
      restartCount: number;
      state: { waiting?: { reason: string; message?: string }; terminated?: { reason?: string; exitCode: number } };
      lastState?: { terminated?: { reason?: string; exitCode: number } };
    }[];
  };
}

export interface PodState {
  name: string;
  /** It serves, or has run to its end. */
  done: boolean;
  /** It will not get better by waiting. */
  stuck: boolean;
  /** In a few words. */
  reason: string;
}

/** Images and settings that are wrong stay wrong. */
const HOPELESS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
  'CreateContainerError',
]);
/** A program that waits for another by ending is started again a few times. */
const RESTARTS = 4;

export function stateOf({ metadata: { name }, status }: Pod): PodState {
  const state = (reason: string, rest: Partial<PodState> = {}): PodState => ({
    name,
    done: false,
    stuck: false,
    reason,
    ...rest,
  });
  if (status.phase === 'Succeeded') return state('completed', { done: true });
  if (status.phase === 'Failed')
    return state(`failed: ${status.message ?? status.reason ?? endOf(status) ?? 'no reason given'}`, { stuck: true });
  const unscheduled = status.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled) return state(`not scheduled: ${unscheduled.message ?? unscheduled.reason ?? ''}`);
  const [container] = status.containerStatuses ?? [];
  if (!container) return state(status.phase.toLowerCase());
  if (container.ready) return state('ready', { done: true });
  const { waiting } = container.state;
  const again = container.restartCount > 0 ? `, started ${container.restartCount + 1} times (${endOf(status) ?? 'ended'})` : '';
  if (waiting) {
    const stuck = HOPELESS.has(waiting.reason) || (waiting.reason === 'CrashLoopBackOff' && container.restartCount >= RESTARTS);
    return state(`${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}${again}`, { stuck });
  }
  return state(`runs, not ready yet${again}`);
}

function endOf({ containerStatuses = [] }: Pod['status']): string | null {
  const end = containerStatuses[0]?.lastState?.terminated ?? containerStatuses[0]?.state.terminated;
  return end ? `${end.reason ?? 'ended'}, exit code ${end.exitCode}` : null;
}

/** Of those that are not on their way out. */
export function statesOf(pods: readonly Pod[]): PodState[] {
  return pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined).map(stateOf);
}
