/** What a person or program wants of a device, and what came of it. Pure. */
import { deviceNameOf } from '@millrace/identity/deviceName.ts';
import { IdentityRefused } from '@millrace/identity/refused.ts';

export const MOST_PAYLOAD_BYTES = 65_536;
const MOST_TOPIC_CHARACTERS = 200;
const MOST_SECONDS = 60;
const DEFAULT_SECONDS = 10;

export interface Command {
  device: string;
  /** Behind `cmnd/<device>/` and `stat/<device>/`, such as auto/J1/strike. */
  topic: string;
  payload: Buffer;
  /** How long its answer is waited for, ms. */
  timeoutMs: number;
}

/**
 * `undelivered`: nobody listens there; `failed`: the broker took it or not, nobody knows; `unanswered`: not in time. After the time
 * it is not delivered any more.
 */
export type Outcome = 'answered' | 'unanswered' | 'undelivered' | 'failed';

/** By what an answer was known: the command's own number, or only the topic it came on. */
export type MatchedBy = 'correlation' | 'topic';

export interface Result {
  id: string;
  outcome: Outcome;
  answer: { payload: Buffer; matchedBy: MatchedBy } | null;
  /** Whether the outcome stands in `millrace.device_commands`, beside the command itself, which always does. */
  recorded: boolean;
}

/** @param body `{ topic, payload, timeoutSeconds }`; a payload that is no text is sent as JSON @throws IdentityRefused naming the member */
export function commandOf(device: string, body: unknown): Command {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw refused('topic', 'the command is no object; allowed is {"topic": …, "payload": …, "timeoutSeconds": …}');
  const { topic, payload = '', timeoutSeconds = DEFAULT_SECONDS, ...others } = body as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw refused(
      other.slice(0, 80),
      `${JSON.stringify(other.slice(0, 80))} is unknown; allowed are topic, payload and timeoutSeconds`,
    );
  if (typeof timeoutSeconds !== 'number' || !(timeoutSeconds >= 1 && timeoutSeconds <= MOST_SECONDS))
    throw refused('timeoutSeconds', `timeoutSeconds is ${JSON.stringify(timeoutSeconds)}; allowed is 1 to ${MOST_SECONDS}`);
  const bytes = Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  if (bytes.length > MOST_PAYLOAD_BYTES)
    throw refused('payload', `the payload has ${bytes.length} bytes; allowed are ${MOST_PAYLOAD_BYTES}`);
  return { device: deviceNameOf(device), topic: topicOf(topic), payload: bytes, timeoutMs: timeoutSeconds * 1_000 };
}

/** Levels of one topic: none of them a wildcard, empty, or more than is needed. */
function topicOf(topic: unknown): string {
  const isGood =
    typeof topic === 'string' &&
    topic.length <= MOST_TOPIC_CHARACTERS &&
    /^[^+#/\p{Cc}\p{Cs}]+(\/[^+#/\p{Cc}\p{Cs}]+)*$/u.test(topic);
  if (isGood) return topic;
  throw refused(
    'topic',
    `the topic is ${JSON.stringify(topic ?? null).slice(0, 100)}; allowed is what stands behind cmnd/<device>/, such as auto/J1/strike: levels with / between, without + and #, at most ${MOST_TOPIC_CHARACTERS} characters`,
  );
}

export interface Heard {
  payload: Buffer;
  retain: boolean;
  correlation: Buffer | null;
}

/**
 * Whether what came on the topic of the answer is the answer to this command; null: it is not. A device of MQTT 5 sends the number of the command
 * back, and then only that number counts; of others the first message there is taken for the answer.
 * @param strict the device has sent numbers back before: one without is something that it says by itself
 */
export function matchOf({ retain, correlation }: Heard, id: Buffer, strict: boolean): MatchedBy | null {
  if (retain) return null; // said before the command
  if (correlation !== null) return correlation.equals(id) ? 'correlation' : null;
  return strict ? null : 'topic';
}

function refused(field: string, message: string): IdentityRefused {
  return new IdentityRefused(field, message);
}
