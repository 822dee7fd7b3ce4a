/**
 * Memory of a role's process. What a role holds is bounded whatever the backlog is (core's `kafka/held.ts`); without limits
 * V8 lets garbage lie about by the memory of the machine, several times what is held. docs/performance.md has what was
 * measured.
 */

/** Of Node. The old space is far above what a role holds: it says when to collect, and is no place to end. */
export const MEMORY_LIMITS = ['--max-semi-space-size=16', '--max-old-space-size=192'] as const;

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
  if (isLimited(process.execArgv, process.env.NODE_OPTIONS) || !process.execve || process.connected) return;
  process.execve(process.execPath, [process.execPath, ...MEMORY_LIMITS, ...process.execArgv, ...process.argv.slice(1)]);
}
