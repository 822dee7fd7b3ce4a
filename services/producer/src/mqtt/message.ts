/** From a message to a raw record (DESIGN 1.1): its bytes as they came, whatever they are. Pure. */
import { JsonError, parseJson } from '@millrace/core/record/json.ts';
import { RECORD_LIMITS } from '@millrace/core/record/jsonScan.ts';
import { isTopicPath, MQTT_TOPIC_HEADER, topicMembersOf } from '@millrace/core/record/mqttTopic.ts';
import {
  encodeUnreadable,
  type Oversize,
  RECEIVED_AT_HEADER,
  SOURCE_HEADER,
  type Unreadable,
} from '@millrace/core/record/raw.ts';
import { maxRecordBytesOf } from '@millrace/core/spec/defaults.ts';
import type { Pipeline } from '@millrace/core/spec/pipeline.ts';
import { hashKey, type KeyedRecord, keyReader, pathsOf } from '../send/key.ts';

export interface MqttMessage {
  topic: string;
  /** Or its beginning, where `oversize` is set. */
  payload: Buffer;
  oversize: Oversize | null;
  qos: 0 | 1;
  /** The broker had it before, or this is not the first time that it sends it. Neither is a reason to leave it out. */
  retain: boolean;
  dup: boolean;
}

/** A header is no place for more: raw topics have 64 KiB beside the value. */
const MAX_TOPIC_BYTES = 32_768;

/** Compiles what makes the raw record of a message that came at `nowMs` (epoch). */
export function recordMaker(pipeline: Pipeline): (message: MqttMessage, nowMs: number) => KeyedRecord {
  const readKey = topicKeyReader(pipeline);
  const maxBytes = maxRecordBytesOf(pipeline);
  return ({ topic, payload, oversize }, nowMs) => {
    const topicBytes = Buffer.byteLength(topic);
    const unreadable = unreadableOf(topic, topicBytes, oversize, maxBytes);
    const headers: Record<string, string> = {
      [SOURCE_HEADER]: 'mqtt',
      [RECEIVED_AT_HEADER]: String(nowMs),
      ...(topicBytes > MAX_TOPIC_BYTES ? {} : { [MQTT_TOPIC_HEADER]: topic }),
      ...(unreadable && encodeUnreadable(unreadable)),
    };
    return { key: readKey(topic, oversize === null ? payload : null, payload), value: payload, headers };
  };
}

function unreadableOf(topic: string, topicBytes: number, oversize: Oversize | null, maxBytes: number): Unreadable | null {
  const under = `the message under ${JSON.stringify(topic.slice(0, 200))}`;
  if (topicBytes > MAX_TOPIC_BYTES)
    return {
      message: `${under}… has a topic of ${topicBytes} bytes; allowed are ${MAX_TOPIC_BYTES}`,
      ...(oversize && { oversize }),
    };
  if (oversize === null) return null;
  return { message: `${under} has ${oversize.length} bytes; allowed are at most ${maxBytes} (spec.record.maxBytes)`, oversize };
}

/**
 * The key by topic and payload. A payload with several objects has the key that all of them have, else the hash of its bytes.
 * @param payload null: it is not whole
 */
function topicKeyReader(pipeline: Pipeline): (topic: string, payload: Buffer | null, bytes: Buffer) => Buffer {
  const { key, fields } = pipeline.spec.record;
  const paths = pathsOf(key, fields[key]?.from);
  const [first = key] = paths;
  const membersOf = topicMembersOf(paths);
  const read = keyReader(pipeline);
  return (topic, payload, bytes) => {
    const members = membersOf?.(topic) ?? {};
    // What the payload says comes after it, and need not be read.
    if (payload === null || (isTopicPath(first) && members[first])) return read(members, bytes);
    const parsed = parsedOrNull(payload);
    const elements = Array.isArray(parsed) ? parsed : [parsed];
    const keys = elements.map((element) => read(isObject(element) ? { ...element, ...members } : members, bytes));
    const [one] = keys;
    return one !== undefined && keys.every((other) => other.equals(one)) ? one : hashKey(bytes);
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is no JSON goes on as it is: the decoder says what it is. */
function parsedOrNull(bytes: Buffer): unknown {
  try {
    return parseJson(bytes, RECORD_LIMITS);
  } catch (error) {
    if (error instanceof JsonError) return null;
    throw error;
  }
}
