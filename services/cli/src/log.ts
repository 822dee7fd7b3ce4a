import { openSync } from 'node:fs';
import { createLog } from '@millrace/core/log.ts';
import { type Logger, pino } from 'pino';
import { UsageError } from './usage.ts';

/** For one-shot commands: what goes wrong is an error with a sentence, so that the log is only for those who look for it. */
export function quietLog(): Logger {
  const level = process.env.MILLRACE_LOG_LEVEL ?? 'silent';
  return pino({ level }, pino.destination({ fd: 2, sync: true }));
}

/** The supervisor's own log: lines like those of the roles, appended to a file that only its owner reads. */
export function fileLog(file: string): Logger {
  return createLog('run', { to: openSync(file, 'a', 0o600) });
}

/** The log of a role, on standard output. @throws UsageError for a level that is none */
export function roleLog(role: string): Logger {
  try {
    return createLog(role);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/**
 * How the process of a role says that it cannot begin: as a line of its log on standard error, since a collector reads
 * it and takes every line for JSON. Also with a level that is none, which may be the very error.
 */
export function tellAsLog(role: string, message: string): void {
  const level = process.env.MILLRACE_LOG_LEVEL;
  try {
    delete process.env.MILLRACE_LOG_LEVEL;
    createLog(role, { to: { write: (line) => void process.stderr.write(line) } }).fatal(message);
  } finally {
    if (level !== undefined) process.env.MILLRACE_LOG_LEVEL = level;
  }
}

/** What Node itself would print as text becomes a line of the log. */
export function tellAll(log: Logger): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'the process ends: an error that nothing took');
    process.exit(1);
  });
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => log.warn({ name }, message));
}
