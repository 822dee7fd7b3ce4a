/** A source of MQTT: broker, topic filters and TLS; and paths of the topic where there is none. */
import { isTopicPath } from '../../record/mqttTopic.ts';
import type { Pipeline } from '../pipeline.ts';
import type { Finding, Path } from '../problem.ts';
import type { Mqtt } from '../source.ts';

const URLS = 'mqtt://host:1883, or mqtts://host:8883';

export function checkMqtt({ url, topics, tls, auth }: Mqtt): Finding[] {
  const path: Path = ['spec', 'source', 'mqtt'];
  return [
    ...(url === undefined ? checkOwn({ tls, auth }, path) : checkUrl(url, [...path, 'url'])),
    ...(tls && url !== undefined && /^mqtt:/i.test(url)
      ? [
          {
            path: [...path, 'tls'],
            message: 'the URL says mqtt, which has no TLS',
            allowed: 'a URL with mqtts://',
            at: 'name' as const,
          },
        ]
      : []),
    ...(tls?.secretRef.key === undefined
      ? []
      : [
          {
            path: [...path, 'tls', 'secretRef', 'key'],
            message: 'TLS needs several keys of the Secret',
            allowed: 'no key: ca.crt, tls.crt and tls.key are read',
            at: 'name' as const,
          },
        ]),
    ...topics.flatMap((filter, index) => {
      const message = topics.indexOf(filter) === index ? filterProblem(filter) : 'it comes twice';
      return message === null
        ? []
        : [{ path: [...path, 'topics', index], message, allowed: 'a topic filter such as tele/+/status or tele/#' }];
    }),
  ];
}

/** Whom to trust and who one is, the platform knows for its own broker. */
function checkOwn(given: Pick<Mqtt, 'tls' | 'auth'>, path: Path): Finding[] {
  return (['tls', 'auth'] as const)
    .filter((member) => given[member] !== undefined)
    .map((member) => ({
      path: [...path, member],
      message: `without a url it is the platform's own broker, for which ${member} is known`,
      allowed: `no ${member}, or a url as well`,
      at: 'name' as const,
    }));
}

function checkUrl(text: string, path: Path): Finding[] {
  const finding = (message: string): Finding[] => [{ path, message, allowed: URLS }];
  const url = URL.parse(text);
  if (url === null) return finding('it is no URL');
  if (url.username !== '' || url.password !== '')
    return [{ path, message: 'a URL is no place for a password', allowed: `${URLS}, and auth.secretRef` }];
  if (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') return finding(`${url.protocol}// is no MQTT that is spoken here`);
  if (url.hostname === '') return finding('it names no host');
  return /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' ? [] : finding('nothing may stand behind the port');
}

/** What is wrong with a topic filter (MQTT 5.0, 4.7); null: nothing. */
function filterProblem(filter: string): string | null {
  if (/\p{Cc}/u.test(filter)) return 'it has a control character in it';
  if (filter.startsWith('$share/')) return 'a shared subscription is asked for by source.mqtt.shared';
  const levels = filter.split('/');
  if (levels.some((level) => level !== '+' && level.includes('+'))) return '+ stands for a whole level';
  if (levels.some((level, at) => level.includes('#') && (level !== '#' || at < levels.length - 1)))
    return '# stands for all levels from its place on, at the end';
  return null;
}

/** Where records have no topic, its paths would only ever give "missing". */
export function checkTopicPaths({ spec: { record } }: Pipeline): Finding[] {
  const place: Path = ['spec', 'record'];
  const read: [Path, string | readonly string[] | undefined][] = [
    [[...place, 'time', 'field'], record.time.field],
    ...Object.entries(record.fields).map(([name, { from }]): [Path, typeof from] => [[...place, 'fields', name, 'from'], from]),
  ];
  return read.flatMap(([path, from]) => {
    const found = [from ?? []].flat().find((one) => isTopicPath(one));
    if (found === undefined) return [];
    return [{ path, message: 'only records of source.mqtt have an MQTT topic', found, allowed: 'a path of the record' }];
  });
}
