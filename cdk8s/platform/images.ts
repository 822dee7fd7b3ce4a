/** Images with their tags and the numeric users that they run as: what is upgraded is upgraded here. */

export interface Image {
  image: string;
  uid: number;
  gid: number;
}

/** Ours; its tag comes with the values, since it is built from this very source. */
export const MILLRACE_USER = { uid: 10001, gid: 10001 };

export const IMAGES = {
  kafka: { image: 'docker.io/apache/kafka:4.3.1', uid: 1000, gid: 1000 },
  database: { image: 'docker.io/timescale/timescaledb:2.23.0-pg17', uid: 70, gid: 70 },
  prometheus: { image: 'docker.io/prom/prometheus:v3.16.0', uid: 65534, gid: 65534 },
  alertmanager: { image: 'docker.io/prom/alertmanager:v0.34.2', uid: 65534, gid: 65534 },
  mosquitto: { image: 'docker.io/library/eclipse-mosquitto:2.0.22', uid: 1883, gid: 1883 },
  grafana: { image: 'docker.io/grafana/grafana:12.3.0', uid: 472, gid: 472 },
} as const satisfies Record<string, Image>;
