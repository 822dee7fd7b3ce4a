/** Settings of a topic. IncrementalAlterConfigs (version 0) leaves the ones that are not named; kafkajs only has AlterConfigs, which resets them. */
import type { Protocol } from 'kafkajs/src/network/connectionPool.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import type { Cluster } from './cluster.ts';
import { errorOf, KafkaError } from './errors.ts';

const TOPIC = 2;
const SET = 0;

/** All settings with their effective values, defaults included; secret ones are left out. */
export async function topicConfig(cluster: Cluster, topic: string): Promise<Record<string, string>> {
  const { resources } = await cluster.onAny((link) => link.broker.describeConfigs({ resources: [{ type: TOPIC, name: topic }] }));
  const config: Record<string, string> = {};
  for (const { configName, configValue } of resources[0]?.configEntries ?? [])
    if (configValue !== null) config[configName] = configValue;
  return config;
}

export function setConfigRequest(topic: string, config: Record<string, string>): Protocol<object> {
  return {
    request: {
      apiKey: 44,
      apiVersion: 0,
      apiName: 'IncrementalAlterConfigs',
      encode: async () => {
        const entries = Object.entries(config).map(([name, value]) =>
          new Encoder().writeString(name).writeInt8(SET).writeString(value),
        );
        return new Encoder()
          .writeArray([new Encoder().writeInt8(TOPIC).writeString(topic).writeArray(entries)])
          .writeBoolean(false);
      },
    },
    response: {
      decode: async (payload) => {
        const decoder = new Decoder(payload);
        decoder.readInt32(); // throttle time
        decoder.readArray((resource) => {
          const error = errorOf(resource.readInt16());
          const reason = resource.readString();
          resource.readInt8();
          const name = resource.readString();
          if (error) throw new KafkaError(`settings of topic ${name} were refused: ${reason ?? error.message}`, { cause: error });
        });
        return {}; // kafkajs looks for a throttle time in it
      },
      parse: async (decoded) => decoded,
    },
  };
}
