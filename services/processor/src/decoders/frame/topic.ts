/** Topics of controllers: `<cmnd|stat|tele>/f2-<mac>/<mode>/J<n>/<component>`. */
import { DecodeError } from '../decoder.ts';

export interface Address {
  /** `tele`: a reading, `stat`: a state. */
  kind: 'tele' | 'stat';
  /** In lower case: `f2-02f200000001`. */
  device: string;
  mode: string;
  connector: string;
  component: string;
}

const TOPIC = /^(cmnd|stat|tele)\/(f2-[0-9a-f]{12})\/([^/]+)\/(J[1-9]\d{0,2})\/([^/]+)$/i;
const ALLOWED = 'allowed is <stat|tele>/f2-<mac>/<mode>/J<n>/<component>, such as tele/f2-02f200000001/modbus/J1/climate';

/** @param topic of header `mqtt-topic`. @throws DecodeError `topic` */
export function addressOf(topic: string | undefined): Address {
  const refuse = (what: string): never => {
    throw new DecodeError({ reason: 'topic', message: `${what}; ${ALLOWED}` });
  };
  if (topic === undefined) return refuse('the record came under no MQTT topic');
  const [, kind = '', device = '', mode = '', connector = '', component = ''] =
    TOPIC.exec(topic) ?? refuse(`the topic is ${JSON.stringify(topic.slice(0, 200))}`);
  if (kind === 'cmnd') return refuse(`the topic is ${JSON.stringify(topic)}, a command and no reading`);
  return { kind: kind as Address['kind'], device: device.toLowerCase(), mode, connector, component };
}
