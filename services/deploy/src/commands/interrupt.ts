/** Runs what goes on until Ctrl-C (or SIGTERM, or nobody reads what it prints), which ends it in order and is no failure. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end);
  try {
    await work(controller.signal);
  } finally {
    // What it started ends with it, also where it failed.
    end();
    process.removeListener('SIGINT', end).removeListener('SIGTERM', end);
  }
}
