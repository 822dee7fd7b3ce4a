import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

export type { Logger } from 'pino';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

/**
 * A logger that writes one JSON line per event, with level as a word, time in ISO 8601 and the role.
 * Passwords never reach a line: what could hold one is redacted by name, and connection URLs are logged without user info.
 * @param to a file descriptor, or what takes each line; default: standard output
 * @throws Error for a level in MILLRACE_LOG_LEVEL that is none
 */
export function createLog(role: string, { to = 1 }: { to?: number | DestinationStream } = {}): Logger {
  const level = process.env.MILLRACE_LOG_LEVEL ?? 'info';
  if (!LEVELS.includes(level))
    throw new Error(`MILLRACE_LOG_LEVEL is ${JSON.stringify(level)}; allowed are ${LEVELS.join(', ')}`);
  return pino(
    {
      level,
      base: { role },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['password', '*.password', 'sasl', '*.sasl', 'databaseUrl', '*.databaseUrl'], censor: '[secret]' },
    },
    // Synchronous: the last lines before an exit are the ones that matter most.
    typeof to === 'number' ? destination({ fd: to, sync: true }) : to,
  );
}
