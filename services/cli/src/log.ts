import { openSync } from 'node:fs';
import { createLog } from '@millrace/core/log.ts';
import { type Logger, pino } from 'pino';

/** For one-shot commands: what goes wrong is an error with a sentence, so that the log is only for those who look for it. */
export function quietLog(): Logger {
  const level = process.env.MILLRACE_LOG_LEVEL ?? 'silent';
  return pino({ level }, pino.destination({ fd: 2, sync: true }));
}

/** The supervisor's own log: lines like those of the roles, appended to a file that only its owner reads. */
export function fileLog(file: string): Logger {
  return createLog('run', { to: openSync(file, 'a', 0o600) });
}
