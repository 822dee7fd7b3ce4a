/**
 * Memory of a role's process. What a role holds is bounded whatever the backlog is (core's `kafka/held.ts`); without limits
 * V8 lets garbage lie about by the memory of the machine, several times what is held. docs/performance.md has what was
 * measured.
 */
import { setFlagsFromString } from 'node:v8';

/** Of V8. The old space is far above what a role holds: it says when to collect, and is no place to end. */
export const MEMORY_LIMITS = ['--max-semi-space-size=8', '--max-old-space-size=192'] as const;
/**
 * With so small an old space V8 collects the whole heap as soon as it grew by 20 MB, each 10,000 records of a backlog, which
 * was a quarter of the sink's time. So the heap may double between two collections. (Not to be had by NODE_OPTIONS.)
 */
const HEAP_GROWTH = '--heap-growing-percent=100';

/**
 * Of glibc's malloc, where it is there: what was freed in an arena stays resident for that arena, and what was freed at its end
 * above a threshold that grows with the largest buffer seen. Names and bytes as mallopt(3) has them.
 */
const MALLOC_LIMITS = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '1048576', MALLOC_MMAP_THRESHOLD_: '1048576' } as const;

/** The environment of a process that is to take little memory; what is set there already counts. Pure. */
export function withMallocLimits(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...MALLOC_LIMITS, ...env };
}

/** Whether the command line or NODE_OPTIONS say what the process may take: then they count. Pure. */
export function isLimited(nodeArguments: readonly string[], nodeOptions: string | undefined): boolean {
  return [...nodeArguments, ...(nodeOptions ?? '').split(/\s+/)].some((word) =>
    /^--max[-_](old|semi)[-_]space[-_]size/.test(word),
  );
}

/**
 * Gives this process its limits where it has none: V8 takes them only when it starts, so the process is replaced by
 * itself with them, under the same id. For a role that something else than `millrace run` starts, such as a container.
 */
export function limitMemory(): void {
  setFlagsFromString(HEAP_GROWTH);
  if (isLimited(process.execArgv, process.env.NODE_OPTIONS) || !process.execve || process.connected) return;
  const words = [process.execPath, ...MEMORY_LIMITS, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, words, withMallocLimits(process.env));
}
