import { type Logger, pino } from 'pino';

/** For one-shot commands: what goes wrong is an error with a sentence, so that the log is only for those who look for it. */
export function quietLog(): Logger {
  const level = process.env.MILLRACE_LOG_LEVEL ?? 'silent';
  return pino({ level }, pino.destination({ fd: 2, sync: true }));
}

/** The supervisor's own log, as JSON lines appended to a file. */
export function fileLog(file: string): Logger {
  return pino(
    { level: process.env.MILLRACE_LOG_LEVEL ?? 'info', base: { role: 'run' } },
    pino.destination({ dest: file, sync: true }),
  );
}
