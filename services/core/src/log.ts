import { destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

/**
 * A logger that writes one JSON line per event to standard output, with level as a word, time in ISO 8601 and the role.
 * Passwords never reach a line: what could hold one is redacted by name, and connection URLs are logged without user info.
 */
export function createLog(role: string, level = process.env.MILLRACE_LOG_LEVEL ?? 'info'): Logger {
  return pino(
    {
      level,
      base: { role },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'sasl', '*.sasl', 'databaseUrl', '*.databaseUrl'], censor: '[secret]' },
    },
    // Synchronous: the last lines before an exit are the ones that matter most.
    destination({ fd: 1, sync: true }),
  );
}
