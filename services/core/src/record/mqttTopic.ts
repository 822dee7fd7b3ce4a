/**
 * The MQTT topic of a raw record (header `mqtt-topic`), where paths of a spec reach it: `$topic` is all of it, `$topic.2` its
 * second level, counted from 1 as `topic(2)` of AWS IoT SQL is.
 *
 * Invariant: what a payload has under such a name does not count: brokers say who may publish where, payloads say anything.
 */
export const MQTT_TOPIC_HEADER = 'mqtt-topic';

const PATH = /^\$topic(?:\.([1-9]\d?))?$/;

/** Members by their path; undefined: the topic has no such level, or there is none. */
export type TopicMembers = Record<string, string | undefined>;

/** Whether a path is of the topic and not of the payload. */
export function isTopicPath(path: string): boolean {
  return PATH.test(path);
}

/** Compiles what gives the members that `paths` name; null: they name none. */
export function topicMembersOf(paths: readonly string[]): ((topic: string | undefined) => TopicMembers) | null {
  const levels = paths.flatMap((path): [string, number | null][] => {
    const match = PATH.exec(path);
    return match === null ? [] : [[path, match[1] === undefined ? null : Number(match[1]) - 1]];
  });
  if (levels.length === 0) return null;
  return (topic) => {
    const parts = topic?.split('/');
    return Object.fromEntries(levels.map(([path, level]) => [path, level === null ? topic : parts?.[level]]));
  };
}
