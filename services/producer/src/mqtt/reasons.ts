/** What a broker means by a code: of CONNACK (3.1.1 and 5.0), SUBACK and DISCONNECT (MQTT 5.0, 2.4). */
const REASONS: Readonly<Record<number, string>> = {
  1: 'it does not speak this version (see source.mqtt.version)',
  2: 'it does not take the client identifier (see source.mqtt.clientId)',
  3: 'it is not available',
  4: 'the user name or the password is wrong',
  5: 'this client is not allowed to connect',
  128: 'without a reason',
  129: 'it cannot read what it was sent',
  130: 'it sees an error of the protocol',
  132: 'it does not speak this version (see source.mqtt.version)',
  133: 'it does not take the client identifier (see source.mqtt.clientId)',
  134: 'the user name or the password is wrong',
  135: 'this client is not allowed to',
  136: 'it is not available',
  137: 'it is busy',
  138: 'this client is banned',
  139: 'it shuts down',
  141: 'it heard nothing for too long',
  142: 'another client came with the same client identifier (see source.mqtt.clientId)',
  143: 'the topic filter is not one that it takes',
  147: 'it was sent more than it said it takes',
  149: 'a packet was too large for it',
  151: 'a quota is used up',
  152: 'somebody ended it there',
  158: 'it has no shared subscriptions (see source.mqtt.shared)',
  162: 'it has no subscriptions with wildcards',
};

/** For people; with what the broker says itself. */
export function reasonOf(code: number, said: string | undefined): string {
  const text = REASONS[code] ?? 'a code that no standard has';
  return `${text} (0x${code.toString(16).padStart(2, '0')}${said === undefined ? '' : `: ${said.slice(0, 200)}`})`;
}
