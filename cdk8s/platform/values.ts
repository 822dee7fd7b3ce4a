/**
 * The values of the platform: the one schema from which come the typed object that every construct takes, what is said of
 * a wrong values file, and the chart's values.schema.json (docs/decisions/0026).
 *
 * Two kinds of values: structural ones (booleans, `nodes`, whether `external` is there) decide which objects there are and
 * may be asked for in code; all others are opaque: they are passed on as they are and never computed with.
 */
import { z } from 'zod';

const QUANTITY = 'a quantity of Kubernetes, such as 250m or 128Mi';
const quantity = z
  .string()
  .regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, QUANTITY)
  .meta({ patternErrorMessage: QUANTITY });

const STORAGE_CLASS = 'a name of a StorageClass: lower-case letters, digits, - and .';

const NAME = 'a name of Kubernetes: lower-case letters, digits and -, at most 40 long';
const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, NAME)
  .meta({ patternErrorMessage: NAME });

const IMAGE = 'an image with a tag that stays what it is, such as docker.io/millrace/millrace:0.1.0';
const image = z
  .string()
  .regex(/^[a-z0-9.:/_-]+:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, IMAGE)
  // Helm's patterns have no lookahead.
  .meta({
    patternErrorMessage: IMAGE,
    helm: { pattern: '^[a-z0-9.:/_-]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$', not: { pattern: ':latest$' } },
  });

const BROKERS = 'host:port, several with commas between';
const HOST = 'a host name or an address';

type Default = Record<'cpu' | 'memory' | 'ephemeralStorage', string>;

const amounts = (of: Default, description: string) =>
  z
    .strictObject({
      cpu: quantity.default(of.cpu).meta({ description: 'Processors' }),
      memory: quantity.default(of.memory).meta({ description: 'Memory' }),
      ephemeralStorage: quantity.default(of.ephemeralStorage).meta({ description: 'Files outside of volumes, logs among them' }),
    })
    .prefault({})
    .meta({ description });

/** @param defaults as `cpu memory ephemeral-storage` */
const resources = (requests: string, limits: string) =>
  z
    .strictObject({
      requests: amounts(amountsIn(requests), 'What is reserved'),
      limits: amounts(amountsIn(limits), 'What is allowed at most'),
    })
    .prefault({})
    .meta({ description: 'Of each pod' });

function amountsIn(text: string): Default {
  const [cpu = '', memory = '', ephemeralStorage = ''] = text.split(' ');
  return { cpu, memory, ephemeralStorage };
}

const storage = (size: string) =>
  z
    .strictObject({
      size: quantity.default(size).meta({ description: 'Of each volume; an installed one keeps its size' }),
      class: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, STORAGE_CLASS)
        .optional()
        .meta({ description: "StorageClass; default: the cluster's", patternErrorMessage: STORAGE_CLASS }),
    })
    .prefault({})
    .meta({ description: 'Volumes, which outlive an uninstall' });

/** What two values cannot both be: said by us and, without the sentence, by Helm. @param together as JSON Schema has it */
const contradiction = (together: object) => ({ helm: { not: together } });

const strimzi = z.strictObject({
  cluster: name.meta({ description: 'Its resource Kafka' }),
  namespace: name.optional().meta({ description: 'Where that runs, if not here; its Entity Operator watches this namespace' }),
  port: z.int().min(1).max(65_535).default(9093).meta({ description: 'Of its internal listener with TLS' }),
  authentication: z
    .enum(['scram-sha-512', 'tls'])
    .default('scram-sha-512')
    .meta({ description: 'What that listener asks of clients' }),
  topics: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether topics are KafkaTopics, too; whoever deletes one deletes its records' }),
});

const EXTERNAL_OR_STRIMZI = 'give external or strimzi, not both';
const kafka = z
  .strictObject({
    nodes: z
      .union([z.literal(1), z.literal(3)])
      .default(1)
      .meta({ description: 'Brokers that are controllers as well; an installed Kafka keeps its number' }),
    storage: storage('10Gi'),
    resources: resources('200m 640Mi 64Mi', '1 896Mi 256Mi'),
    external: z
      .strictObject({
        brokers: z
          .string()
          .regex(/^[^\s:,]+:\d{1,5}(,[^\s:,]+:\d{1,5})*$/, BROKERS)
          .meta({ description: BROKERS, patternErrorMessage: BROKERS }),
      })
      .optional()
      .meta({ description: 'Use this Kafka; its users and their Secrets are given' }),
    strimzi: strimzi
      .optional()
      .meta({ description: 'Use a Kafka of an installed Strimzi, 0.49 or newer, which makes the users' }),
  })
  .refine(({ external, strimzi }) => !(external && strimzi), EXTERNAL_OR_STRIMZI);

const cloudNativePg = z
  .strictObject({
    cluster: name.optional().meta({ description: 'An existing Cluster of this namespace; left out: one is made' }),
    instances: z.int().min(1).max(9).optional().meta({ description: 'Of the Cluster that is made; default: 3' }),
    timescaledb: image.optional().meta({
      description:
        'Image of PostgreSQL with TimescaleDB for the Cluster that is made; default: the image of the operator, without it',
    }),
  })
  .refine(({ cluster, instances, timescaledb }) => cluster === undefined || (instances ?? timescaledb) === undefined, {
    message: 'give cluster, or instances and timescaledb of one that is made, not both',
  });

const EXTERNAL_OR_CLOUDNATIVEPG = 'give external or cloudnativepg, not both';
const database = z
  .strictObject({
    name: name.default('millrace').meta({ description: 'Of the database' }),
    storage: storage('20Gi'),
    resources: resources('150m 384Mi 64Mi', '1 768Mi 256Mi'),
    external: z
      .strictObject({
        host: z
          .string()
          .regex(/^[A-Za-z0-9._:-]+$/, HOST)
          .meta({ description: HOST, patternErrorMessage: HOST }),
        port: z.int().min(1).max(65_535).default(5432).meta({ description: 'Its port' }),
      })
      .optional()
      .meta({ description: 'Use this database; its roles and their Secrets are given' }),
    cloudnativepg: cloudNativePg.optional().meta({
      description:
        'Use a Cluster of an installed CloudNativePG, which makes the roles; storage and resources are those of each instance',
      ...contradiction({
        required: ['cluster'],
        anyOf: [{ required: ['instances'] }, { required: ['timescaledb'] }],
      }),
    }),
  })
  .refine(({ external, cloudnativepg }) => !(external && cloudnativepg), EXTERNAL_OR_CLOUDNATIVEPG);

const prometheus = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'Whether there is one' }),
  operator: z
    .strictObject({
      namespace: name.default('monitoring').meta({ description: 'Where its Prometheus runs' }),
      release: name
        .default('kube-prometheus-stack')
        .meta({ description: 'Label `release` of the PodMonitors and PrometheusRules that its Prometheus takes' }),
    })
    .optional()
    .meta({ description: 'Use the Prometheus of an installed prometheus-operator instead of our own' }),
  discovery: z
    .enum(['pods', 'dns'])
    .default('pods')
    .meta({ description: 'How pods are found: by the Kubernetes API, with their names; or by DNS, for a build without that' }),
  retention: z
    .string()
    .regex(/^[1-9][0-9]*(h|d|w|y)$/, 'a duration such as 15d')
    .default('15d')
    .meta({ description: 'How long metrics are kept', patternErrorMessage: 'a duration such as 15d' }),
  storage: storage('10Gi'),
  resources: resources('50m 192Mi 64Mi', '500m 384Mi 128Mi'),
});

const alertmanager = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'Whether there is one' }),
  webhook: z.url().optional().meta({ description: 'Where alerts are sent; without it they are only shown' }),
  resources: resources('10m 48Mi 32Mi', '200m 96Mi 64Mi'),
});

const grafana = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'Whether there is one' }),
  resources: resources('50m 160Mi 64Mi', '500m 256Mi 256Mi'),
});

const autoscaling = z.strictObject({
  by: z.enum(['none', 'hpa', 'keda']).default('none').meta({
    description:
      'What scales processors and sinks by lag: an installed KEDA, or a HorizontalPodAutoscaler with an adapter of metrics',
  }),
  namespace: name.default('keda').meta({ description: 'Where KEDA or the adapter runs, which asks our Prometheus' }),
});

const ingress = z.strictObject({
  host: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, HOST)
    .meta({ description: 'Name by which devices find it', patternErrorMessage: HOST }),
  class: name.optional().meta({ description: "IngressClass; left out: the cluster's default" }),
  tls: name.optional().meta({ description: 'Secret with tls.crt and tls.key of the host' }),
});

const MQTT_URL = 'mqtts://host:port';

const mqtt = z.strictObject({
  enabled: z.boolean().default(false).meta({
    description: 'Whether devices are talked to over MQTT: a broker, certificates of devices and commands to them',
  }),
  host: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, HOST)
    .optional()
    .meta({
      description: 'Name by which devices find the broker from outside; stands in its certificate',
      patternErrorMessage: HOST,
    }),
  service: z
    .enum(['ClusterIP', 'NodePort', 'LoadBalancer'])
    .default('ClusterIP')
    .meta({ description: 'How devices reach the broker from outside of the cluster; ClusterIP: not at all' }),
  storage: storage('1Gi'),
  resources: resources('30m 32Mi 32Mi', '500m 256Mi 64Mi'),
  sidecar: resources('10m 64Mi 16Mi', '200m 128Mi 32Mi').meta({ description: 'Of what is beside the broker' }),
  external: z
    .strictObject({
      url: z
        .string()
        .regex(/^mqtts:\/\/[^\s/@]+:\d{1,5}$/, MQTT_URL)
        .meta({ description: MQTT_URL, patternErrorMessage: MQTT_URL }),
      devices: z
        .string()
        .regex(/^mqtts:\/\/[^\s/@]+:\d{1,5}$/, MQTT_URL)
        .optional()
        .meta({
          description:
            'The same broker as devices reach it; with it, devices whose certificates are revoked or over are pushed off',
          patternErrorMessage: MQTT_URL,
        }),
    })
    .optional()
    .meta({
      description:
        'Use this broker; Secrets millrace-mqtt-producer and millrace-mqtt-commands (ca.crt, tls.crt, tls.key) are given',
    }),
});

const roles = z.strictObject({
  producer: resources('30m 128Mi 32Mi', '1 256Mi 64Mi').meta({ description: 'Of producers' }),
  processor: resources('50m 128Mi 32Mi', '1 256Mi 64Mi').meta({ description: 'Of processors' }),
  sink: resources('50m 128Mi 32Mi', '1 256Mi 64Mi').meta({ description: 'Of sinks' }),
  devices: resources('30m 128Mi 32Mi', '500m 256Mi 64Mi').meta({ description: 'Of what signs certificates and sends commands' }),
  setup: resources('50m 128Mi 32Mi', '1 256Mi 64Mi').meta({ description: 'Of set-up and of the bootstrap' }),
  sidecar: resources('10m 48Mi 16Mi', '200m 96Mi 32Mi').meta({ description: 'Of what is beside Prometheus and Grafana' }),
});

const NAMESPACE = `${NAME}, and not millrace: tables are in a schema of this name, and that one is Millrace's own`;

export const values = z.strictObject({
  namespace: z
    .string()
    .regex(/^(?!millrace$)[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, NAMESPACE)
    .default('feeds')
    .meta({
      description: 'Where the platform and its Pipelines live',
      patternErrorMessage: NAMESPACE,
      helm: { pattern: '^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$', not: { pattern: '^millrace$' } },
    }),
  crd: z
    .strictObject({
      install: z
        .boolean()
        .default(true)
        .meta({ description: 'Whether it comes along; only one release of a cluster can bring it' }),
    })
    .prefault({})
    .meta({ description: 'Definition of the resource Pipeline, for the whole cluster; an uninstall keeps it' }),
  image: image.default('docker.io/millrace/millrace:0.1.0').meta({ description: 'Of all roles' }),
  kafka: kafka
    .prefault({})
    .meta({ description: 'Topics between the roles', ...contradiction({ required: ['external', 'strimzi'] }) }),
  database: database
    .prefault({})
    .meta({ description: 'TimescaleDB, where the rows go', ...contradiction({ required: ['external', 'cloudnativepg'] }) }),
  mqtt: mqtt.prefault({}).meta({ description: 'Devices that talk MQTT' }),
  prometheus: prometheus.prefault({}).meta({ description: 'Reads the metrics of every role and watches the alerts' }),
  alertmanager: alertmanager.prefault({}).meta({ description: 'Sends alerts' }),
  grafana: grafana.prefault({}).meta({ description: 'Shows the database and the metrics' }),
  autoscaling: autoscaling.prefault({}).meta({ description: 'How many pods processors and sinks have' }),
  ingress: ingress
    .optional()
    .meta({ description: 'Lets devices outside of the cluster POST to Pipelines with a source of HTTP' }),
  roles: roles.prefault({}).meta({ description: 'Resources of the roles, where a Pipeline names none' }),
});

export type Values = z.infer<typeof values>;
