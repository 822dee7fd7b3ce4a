/** Errors of Kafka requests: which ones pass by themselves (retry), and how they are told to people. */
import protocolError from 'kafkajs/src/protocol/error.js';

const TRANSPORT = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSLockTimeout',
]);
const SYSTEM = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** An error of Kafka's, with a full sentence; `type` is the protocol's name of it where there is one (`UNKNOWN_MEMBER_ID`). */
export class KafkaError extends Error {
  override name = 'KafkaError';
  readonly type: string | null;
  readonly retriable: boolean;

  constructor(message: string, options: { cause?: unknown; type?: string; retriable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.type = options.type ?? typeOf(options.cause);
    this.retriable = options.retriable ?? false;
  }
}

/** The protocol error of a response's error code; null for 0. */
export function errorOf(code: number): Error | null {
  return code === 0 ? null : protocolError.createErrorFromCode(code);
}

/** The protocol's name of an error, such as `NOT_LEADER_FOR_PARTITION`; null where it is none. */
export function typeOf(error: unknown): string | null {
  return error instanceof Error && 'type' in error && typeof error.type === 'string' ? error.type : null;
}

/** Whether the connection failed, so that nothing is known about the request. */
export function isTransport(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return TRANSPORT.has(error.name) || ('code' in error && typeof error.code === 'string' && SYSTEM.has(error.code));
}

/** Whether the same request may succeed later without anybody doing something. */
export function isRetriable(error: unknown): boolean {
  if (isTransport(error)) return !isDistrust(error);
  if (!(error instanceof Error) || !('retriable' in error)) return false;
  if (error.name === 'KafkaJSSASLAuthenticationError') return false;
  return error.retriable === true;
}

/** A certificate that is not trusted, has expired or is another host's stays so. */
function isDistrust(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /CERT|ERR_TLS|ERR_SSL/.test(error.code);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
