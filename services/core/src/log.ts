import { destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

/**
 * A logger that writes one JSON line per event, with level as a word, time in ISO 8601 and the role.
 * Passwords never reach a line: what could hold one is redacted by name, and connection URLs are logged without user info.
 * @param to a file descriptor; default: standard output
 */
export function createLog(role: string, { to = 1 }: { to?: number } = {}): Logger {
  return pino(
    {
      level: process.env.MILLRACE_LOG_LEVEL ?? 'info',
      base: { role },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'sasl', '*.sasl', 'databaseUrl', '*.databaseUrl'], censor: '[secret]' },
    },
    // Synchronous: the last lines before an exit are the ones that matter most.
    destination({ fd: to, sync: true }),
  );
}
