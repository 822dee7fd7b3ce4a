{{- /* Made by `npm run docs` from cdk8s/: change it there. */ -}}
{{- define "millrace.inJson" }}{{ . | toRawJson | trimPrefix "\"" | trimSuffix "\"" }}{{ end }}

{{- define "millrace.bootstrap.plan.json" }}{
  "namespace": "{{ include "millrace.inJson" .Release.Namespace }}",
  "labels": {
    "app.kubernetes.io/name": "millrace",
    "app.kubernetes.io/instance": "platform",
    "app.kubernetes.io/component": "bootstrap",
    "app.kubernetes.io/part-of": "millrace",
{{ if hasKey .Values.database "cloudnativepg" }}    "app.kubernetes.io/managed-by": "millrace",
    "cnpg.io/reload": "true"
{{ end }}{{ if not (hasKey .Values.database "cloudnativepg") }}    "app.kubernetes.io/managed-by": "millrace"
{{ end }}  },
  "authority": "millrace-ca",
{{ if or (and (hasKey .Values.kafka "external") (or (and (hasKey .Values.database "external") (or (not .Values.mqtt.enabled) (hasKey .Values.mqtt "external"))) (and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (or (not .Values.mqtt.enabled) (hasKey .Values.mqtt "external")))))) (and (not (hasKey .Values.kafka "external")) (and (hasKey .Values.kafka "strimzi") (or (and (hasKey .Values.database "external") (or (not .Values.mqtt.enabled) (hasKey .Values.mqtt "external"))) (and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (or (not .Values.mqtt.enabled) (hasKey .Values.mqtt "external"))))))) }}  "servers": [],
{{ end }}{{ if or (and (hasKey .Values.kafka "external") (or (and (hasKey .Values.database "external") (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.database "external")) (or (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external"))))))) (and (not (hasKey .Values.kafka "external")) (or (not (hasKey .Values.kafka "strimzi")) (or (and (hasKey .Values.database "external") (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.database "external")) (or (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))))))) }}  "servers": [
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (or (and (hasKey .Values.kafka "external") (or (not .Values.mqtt.enabled) (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.kafka "external")) (and (hasKey .Values.kafka "strimzi") (or (not .Values.mqtt.enabled) (not (hasKey .Values.mqtt "external"))))))) }}    {
      "secret": "millrace-database-server",
      "commonName": "database",
      "hosts": [
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))))) }}    },
{{ end }}{{ if and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))) }}    {
      "secret": "millrace-mqtt-server",
      "commonName": "mqtt",
      "hosts": [
        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (and (hasKey .Values.mqtt "host") (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")))) }}        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local",
        "{{ include "millrace.inJson" .Values.mqtt.host }}"
{{ end }}{{ if and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (and (not (hasKey .Values.mqtt "host")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")))) }}        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
{{ end }}{{ if and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))) }}      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (and (hasKey .Values.mqtt "external") (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))))) }}    {
      "secret": "millrace-database-server",
      "commonName": "database",
      "hosts": [
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (not (hasKey .Values.kafka "strimzi")) }}    {
      "secret": "millrace-kafka-server",
      "commonName": "kafka",
      "hosts": [
        "kafka.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "kafka.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local",
        "kafka-0.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.kafka "strimzi")) (eq (int64 .Values.kafka.nodes) 1)) }}        "kafka-0.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.kafka "strimzi")) (eq (int64 .Values.kafka.nodes) 3)) }}        "kafka-0.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local",
        "kafka-1.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "kafka-1.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local",
        "kafka-2.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "kafka-2.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (not (hasKey .Values.kafka "strimzi")) }}      ],
      "keystore": true,
      "clusterId": true
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.kafka "strimzi")) (or (and (hasKey .Values.database "external") (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.database "external")) (or (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external"))))))) }}    },
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (and (not (hasKey .Values.kafka "strimzi")) (or (not .Values.mqtt.enabled) (or (not (hasKey .Values.mqtt "external")) (eq (int64 .Values.kafka.nodes) 3)))))) }}    {
      "secret": "millrace-database-server",
      "commonName": "database",
      "hosts": [
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (not (hasKey .Values.kafka "strimzi")))))) }}    },
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (not (hasKey .Values.kafka "strimzi")))) }}    {
      "secret": "millrace-mqtt-server",
      "commonName": "mqtt",
      "hosts": [
        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (and (hasKey .Values.mqtt "host") (not (hasKey .Values.kafka "strimzi"))))) }}        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local",
        "{{ include "millrace.inJson" .Values.mqtt.host }}"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (and (not (hasKey .Values.mqtt "host")) (not (hasKey .Values.kafka "strimzi"))))) }}        "mqtt.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and .Values.mqtt.enabled (and (not (hasKey .Values.mqtt "external")) (not (hasKey .Values.kafka "strimzi")))) }}      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (and (hasKey .Values.mqtt "external") (and (not (hasKey .Values.kafka "strimzi")) (eq (int64 .Values.kafka.nodes) 1)))))) }}    {
      "secret": "millrace-database-server",
      "commonName": "database",
      "hosts": [
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "database.{{ include "millrace.inJson" .Release.Namespace }}.svc.cluster.local"
      ],
      "keystore": false,
      "clusterId": false
{{ end }}{{ if or (and (hasKey .Values.kafka "external") (or (and (hasKey .Values.database "external") (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.database "external")) (or (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external"))))))) (and (not (hasKey .Values.kafka "external")) (or (not (hasKey .Values.kafka "strimzi")) (or (and (hasKey .Values.database "external") (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))) (and (not (hasKey .Values.database "external")) (or (not (hasKey .Values.database "cloudnativepg")) (and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")))))))) }}    }
  ],
{{ end }}{{ if .Values.grafana.enabled }}  "passwords": [
    {
      "user": "admin",
      "secret": "millrace-grafana-admin"
    }
  ],
{{ end }}{{ if not .Values.grafana.enabled }}  "passwords": [],
{{ end }}{{ if or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi") }}  "kafka": null,
{{ end }}{{ if and (hasKey .Values.database "external") (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")) }}  "database": null,
{{ end }}{{ if and (not (hasKey .Values.database "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")) }}  "database": {
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (and (hasKey .Values.database.cloudnativepg "cluster") (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")))) }}    "host": "{{ include "millrace.inJson" .Values.database.cloudnativepg.cluster }}-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (and (not (hasKey .Values.database.cloudnativepg "cluster")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")))) }}    "host": "database-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))) }}    "host": "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")) }}    "port": 5432,
    "name": "{{ include "millrace.inJson" .Values.database.name }}",
    "owner": {
      "user": "millrace_owner",
      "secret": "millrace-database-owner"
    },
    "writer": {
      "user": "millrace_writer",
      "secret": "millrace-database-writer"
    },
    "reader": {
      "user": "millrace_reader",
      "secret": "millrace-database-reader"
    },
    "registry": {
      "user": "millrace_registry",
      "secret": "millrace-database-registry"
    },
    "server": {
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))) }}      "of": "an operator",
      "authority": "/etc/millrace/database-ca/ca.crt"
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi"))) }}      "of": "us",
      "superuser": {
        "user": "postgres",
        "secret": "millrace-database-superuser"
      },
      "certificate": "millrace-database-server"
{{ end }}{{ if and (not (hasKey .Values.database "external")) (or (hasKey .Values.kafka "external") (hasKey .Values.kafka "strimzi")) }}    }
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (not (hasKey .Values.kafka "strimzi")) }}  "kafka": {
    "brokers": "kafka.{{ include "millrace.inJson" .Release.Namespace }}.svc:9092",
    "admin": {
      "user": "admin",
      "secret": "millrace-kafka-admin"
    },
    "users": [
      {
        "user": "setup",
        "secret": "millrace-kafka-setup",
        "permissions": [
          {
            "resource": "topic",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Create",
              "Alter",
              "AlterConfigs"
            ]
          }
        ]
      },
      {
        "user": "producer",
        "secret": "millrace-kafka-producer",
        "permissions": [
          {
            "resource": "topic",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Write",
              "DescribeConfigs",
              "Read"
            ]
          },
          {
            "resource": "group",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Read"
            ]
          }
        ]
      },
      {
        "user": "processor",
        "secret": "millrace-kafka-processor",
        "permissions": [
          {
            "resource": "topic",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Read",
              "Write",
              "DescribeConfigs"
            ]
          },
          {
            "resource": "group",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Read"
            ]
          }
        ]
      },
      {
        "user": "sink",
        "secret": "millrace-kafka-sink",
        "permissions": [
          {
            "resource": "topic",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Read",
              "Write",
              "DescribeConfigs"
            ]
          },
          {
            "resource": "group",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Read",
              "Describe"
            ]
          },
          {
            "resource": "transactionalId",
            "name": "{{ include "millrace.inJson" .Release.Namespace }}.",
            "pattern": "prefixed",
            "operations": [
              "Write"
            ]
          }
        ]
      }
    ],
    "certificate": {
      "secret": "millrace-kafka-server",
      "hosts": [
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.kafka "strimzi")) (eq (int64 .Values.kafka.nodes) 1)) }}        "kafka-0.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.kafka "strimzi")) (eq (int64 .Values.kafka.nodes) 3)) }}        "kafka-0.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "kafka-1.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc",
        "kafka-2.kafka-nodes.{{ include "millrace.inJson" .Release.Namespace }}.svc"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (not (hasKey .Values.kafka "strimzi")) }}      ],
      "port": 9092,
      "keystore": "/etc/millrace/server/keystore.pem",
      "listeners": [
        "clients",
        "brokers",
        "controller"
      ]
    }
{{ end }}{{ if or (not (hasKey .Values.database "external")) (and (not (hasKey .Values.kafka "external")) (not (hasKey .Values.kafka "strimzi"))) }}  },
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (hasKey .Values.database "external") (not (hasKey .Values.kafka "strimzi"))) }}  "database": null,
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (not (hasKey .Values.kafka "strimzi"))) }}  "database": {
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (and (hasKey .Values.database.cloudnativepg "cluster") (not (hasKey .Values.kafka "strimzi"))))) }}    "host": "{{ include "millrace.inJson" .Values.database.cloudnativepg.cluster }}-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (and (not (hasKey .Values.database.cloudnativepg "cluster")) (not (hasKey .Values.kafka "strimzi"))))) }}    "host": "database-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (not (hasKey .Values.kafka "strimzi")))) }}    "host": "database.{{ include "millrace.inJson" .Release.Namespace }}.svc",
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (not (hasKey .Values.kafka "strimzi"))) }}    "port": 5432,
    "name": "{{ include "millrace.inJson" .Values.database.name }}",
    "owner": {
      "user": "millrace_owner",
      "secret": "millrace-database-owner"
    },
    "writer": {
      "user": "millrace_writer",
      "secret": "millrace-database-writer"
    },
    "reader": {
      "user": "millrace_reader",
      "secret": "millrace-database-reader"
    },
    "registry": {
      "user": "millrace_registry",
      "secret": "millrace-database-registry"
    },
    "server": {
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (not (hasKey .Values.kafka "strimzi")))) }}      "of": "an operator",
      "authority": "/etc/millrace/database-ca/ca.crt"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (and (not (hasKey .Values.database "cloudnativepg")) (not (hasKey .Values.kafka "strimzi")))) }}      "of": "us",
      "superuser": {
        "user": "postgres",
        "secret": "millrace-database-superuser"
      },
      "certificate": "millrace-database-server"
{{ end }}{{ if and (not (hasKey .Values.kafka "external")) (and (not (hasKey .Values.database "external")) (not (hasKey .Values.kafka "strimzi"))) }}    }
  },
{{ end }}{{ if .Values.mqtt.enabled }}  "devices": {
    "authority": {
      "secret": "millrace-device-ca"
    },
{{ end }}{{ if and .Values.mqtt.enabled (hasKey .Values.mqtt "external") }}    "clients": [],
{{ end }}{{ if and .Values.mqtt.enabled (not (hasKey .Values.mqtt "external")) }}    "clients": [
      {
        "secret": "millrace-mqtt-producer",
        "commonName": "millrace-producer"
      },
      {
        "secret": "millrace-mqtt-commands",
        "commonName": "millrace-commands"
      }
    ],
{{ end }}{{ if .Values.mqtt.enabled }}    "tokens": [
      {
        "secret": "millrace-device-provisioning"
      },
      {
        "secret": "millrace-device-commands"
      }
    ]
  }
{{ end }}{{ if not .Values.mqtt.enabled }}  "devices": null
{{ end }}}
{{ end }}

{{- define "millrace.kafka.server.properties" }}process.roles=broker,controller
{{ if eq (int64 .Values.kafka.nodes) 1 }}controller.quorum.voters=0@kafka-0.kafka-nodes.{{ .Release.Namespace }}.svc:9093
{{ end }}{{ if eq (int64 .Values.kafka.nodes) 3 }}controller.quorum.voters=0@kafka-0.kafka-nodes.{{ .Release.Namespace }}.svc:9093,1@kafka-1.kafka-nodes.{{ .Release.Namespace }}.svc:9093,2@kafka-2.kafka-nodes.{{ .Release.Namespace }}.svc:9093
{{ end }}controller.listener.names=CONTROLLER
listeners=CLIENTS://:9092,BROKERS://:9094,CONTROLLER://:9093
inter.broker.listener.name=BROKERS
listener.security.protocol.map=CLIENTS:SASL_SSL,BROKERS:SSL,CONTROLLER:SSL
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.brokers.ssl.client.auth=required
listener.name.controller.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=/etc/millrace/server/keystore.pem
ssl.truststore.type=PEM
ssl.truststore.location=/etc/millrace/server/ca.crt
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:admin;User:CN=kafka
log.dirs=/var/lib/kafka/data/log
auto.create.topics.enable=false
{{ if eq (int64 .Values.kafka.nodes) 1 }}default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
{{ end }}{{ if eq (int64 .Values.kafka.nodes) 3 }}default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
{{ end }}offsets.topic.num.partitions=10
{{ if eq (int64 .Values.kafka.nodes) 1 }}transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
{{ end }}{{ if eq (int64 .Values.kafka.nodes) 3 }}transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
{{ end }}transaction.state.log.num.partitions=10
group.initial.rebalance.delay.ms=500
log.cleaner.dedupe.buffer.size=16777216
{{ end }}

{{- define "millrace.kafka.start.sh" }}#!/bin/sh
set -eu
umask 077
node=${POD_NAME##*-}
host="$POD_NAME.kafka-nodes.{{ .Release.Namespace }}.svc"
{{ if eq (int64 .Values.kafka.nodes) 1 }}if [ -f /var/lib/kafka/data/nodes ] && [ "$(cat /var/lib/kafka/data/nodes)" != 1 ]; then
  echo "this volume is of a Kafka of $(cat /var/lib/kafka/data/nodes) nodes; kafka.nodes is 1. Set it back: the number of nodes of an installed Kafka cannot be changed" >&2
  exit 1
{{ end }}{{ if eq (int64 .Values.kafka.nodes) 3 }}if [ -f /var/lib/kafka/data/nodes ] && [ "$(cat /var/lib/kafka/data/nodes)" != 3 ]; then
  echo "this volume is of a Kafka of $(cat /var/lib/kafka/data/nodes) nodes; kafka.nodes is 3. Set it back: the number of nodes of an installed Kafka cannot be changed" >&2
  exit 1
{{ end }}fi
properties=/tmp/server.properties
{
  cat /etc/millrace/config/server.properties
  echo "node.id=$node"
  echo "advertised.listeners=CLIENTS://$host:9092,BROKERS://$host:9094"
} >$properties
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted --config $properties \
  --cluster-id="$(cat /etc/millrace/server/cluster-id)" \
  --add-scram="SCRAM-SHA-512=[name=admin,password=$(cat /etc/millrace/admin/password)]"
{{ if eq (int64 .Values.kafka.nodes) 1 }}echo 1 >/var/lib/kafka/data/nodes
{{ end }}{{ if eq (int64 .Values.kafka.nodes) 3 }}echo 3 >/var/lib/kafka/data/nodes
{{ end }}exec /opt/kafka/bin/kafka-run-class.sh kafka.Kafka $properties
{{ end }}

{{- define "millrace.database.pg_hba.conf" }}local   all all     trust
hostssl all all all scram-sha-256
{{ end }}

{{- define "millrace.database.start.sh" }}#!/bin/sh
set -eu
mib=$MEMORY_LIMIT_MIB
exec docker-entrypoint.sh postgres \
  -c shared_buffers=$((mib / 4))MB \
  -c effective_cache_size=$((mib / 2))MB \
  -c maintenance_work_mem=$((mib / 16))MB \
  -c work_mem=$((mib / 128 > 4 ? mib / 128 : 4))MB \
  -c max_connections=60 \
  -c max_wal_size=1GB \
  -c password_encryption=scram-sha-256 \
  -c hba_file=/etc/millrace/config/pg_hba.conf \
  -c ssl=on \
  -c ssl_cert_file=/etc/millrace/server/tls.crt \
  -c ssl_key_file=/etc/millrace/server/tls.key
{{ end }}

{{- define "millrace.mosquitto.acl.devices" }}pattern write tele/%u/#
pattern write stat/%u/#
pattern read cmnd/%u/#
{{ end }}

{{- define "millrace.mosquitto.acl.platform" }}user millrace-commands
topic write cmnd/#
pattern read tele/#
pattern read stat/#
{{ end }}

{{- define "millrace.mosquitto.mosquitto.conf" }}per_listener_settings true
persistence true
persistence_location /mosquitto/data/
autosave_interval 5
max_packet_size 1114112
max_inflight_messages 100
max_queued_messages 100000
max_queued_bytes 67108864
max_keepalive 3600
persistent_client_expiration 7d
log_dest stderr
log_timestamp_format %Y-%m-%dT%H:%M:%SZ
log_type error
log_type warning
log_type notice
log_type information
listener 8883
cafile /etc/millrace/device-ca/tls.crt
crlfile /etc/millrace/crl/crl.pem
acl_file /etc/millrace/config/acl.devices
certfile /etc/millrace/server/tls.crt
keyfile /etc/millrace/server/tls.key
allow_anonymous false
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
use_username_as_clientid true
max_connections 10000
listener 8884
cafile /etc/millrace/server/ca.crt
acl_file /etc/millrace/config/acl.platform
certfile /etc/millrace/server/tls.crt
keyfile /etc/millrace/server/tls.key
allow_anonymous false
require_certificate true
use_identity_as_username true
tls_version tlsv1.2
max_connections 200
{{ end }}

{{- define "millrace.mosquitto.start.sh" }}#!/bin/sh
set -eu
until [ -s /etc/millrace/crl/crl.pem ]; do echo 'waiting for the list of revoked certificates' >&2; sleep 2; done
exec mosquitto -c /etc/millrace/config/mosquitto.conf
{{ end }}

{{- define "millrace.prometheus.prometheus.yml" }}{
  "global": {
    "scrape_interval": "15s",
    "evaluation_interval": "15s"
  },
  "rule_files": [
    "/etc/prometheus/rules.json",
    "/etc/millrace/rules/*.json"
  ],
{{ if .Values.alertmanager.enabled }}  "alerting": {
    "alertmanagers": [
      {
        "static_configs": [
          {
            "targets": [
              "alertmanager:9093"
            ]
          }
        ]
      }
    ]
  },
{{ end }}  "scrape_configs": [
    {
      "job_name": "millrace",
{{ if eq .Values.prometheus.discovery "pods" }}      "kubernetes_sd_configs": [
        {
          "role": "pod",
          "namespaces": {
            "own_namespace": true
          }
        }
      ],
      "relabel_configs": [
        {
          "source_labels": [
            "__meta_kubernetes_pod_container_port_name"
          ],
          "regex": "metrics",
          "action": "keep"
        },
        {
          "source_labels": [
            "__meta_kubernetes_pod_phase"
          ],
          "regex": "Succeeded|Failed",
          "action": "drop"
        },
        {
          "source_labels": [
            "__meta_kubernetes_namespace"
          ],
          "target_label": "namespace"
        },
        {
          "source_labels": [
            "__meta_kubernetes_pod_name"
          ],
          "target_label": "pod"
        },
        {
          "source_labels": [
            "__meta_kubernetes_pod_label_app_kubernetes_io_component"
          ],
          "target_label": "component"
        }
{{ end }}{{ if eq .Values.prometheus.discovery "dns" }}      "dns_sd_configs": [
        {
          "names": [
            "millrace-metrics"
          ],
          "type": "A",
          "port": 8080,
          "refresh_interval": "15s"
        }
{{ end }}      ]
    },
    {
      "job_name": "prometheus",
      "static_configs": [
        {
          "targets": [
            "localhost:9090"
          ]
        }
      ]
    }
  ]
}
{{ end }}

{{- define "millrace.prometheus.rules.json" }}{
  "groups": [
    {
      "name": "millrace",
      "rules": [
        {
          "alert": "MillraceLedgerDifference",
          "expr": "max by (pipeline, check) (abs(millrace_audit_difference_rows)) > 0",
          "for": "0s",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "The ledger of {{ "{{" }} $labels.pipeline }} does not add up",
            "description": "The last audit of {{ "{{" }} $labels.pipeline }} found {{ "{{" }} $value }} rows of difference by the check {{ "{{" }} $labels.check }}.",
            "runbook": "docs/runbooks/ledger-difference.md"
          }
        },
        {
          "alert": "MillraceAuditMissing",
          "expr": "time() - max by (pipeline) (millrace_audit_last_timestamp_seconds) > 10800",
          "for": "10m",
          "labels": {
            "severity": "warning"
          },
          "annotations": {
            "summary": "{{ "{{" }} $labels.pipeline }} is not audited",
            "description": "The last audit of {{ "{{" }} $labels.pipeline }} that came to an end began {{ "{{" }} $value | humanizeDuration }} ago.",
            "runbook": "docs/runbooks/ledger-difference.md"
          }
        },
        {
          "alert": "MillraceRecordsLost",
          "expr": "sum by (pipeline) (millrace_sink_lost_records_total - (millrace_sink_lost_records_total offset 1h or millrace_sink_lost_records_total * 0)) > 0 or sum by (pipeline) (millrace_processor_lost_records_total - (millrace_processor_lost_records_total offset 1h or millrace_processor_lost_records_total * 0)) > 0",
          "for": "0s",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "Records of {{ "{{" }} $labels.pipeline }} were lost",
            "description": "{{ "{{" }} $value }} records of {{ "{{" }} $labels.pipeline }} were gone from the log before they were read, in the last hour.",
            "runbook": "docs/runbooks/records-lost.md"
          }
        },
        {
          "alert": "MillraceSinkPaused",
          "expr": "sum by (pipeline, reason) (millrace_sink_paused_partitions) > 0",
          "for": "2m",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "The sink of {{ "{{" }} $labels.pipeline }} cannot write",
            "description": "{{ "{{" }} $value }} partitions of {{ "{{" }} $labels.pipeline }} wait: {{ "{{" }} $labels.reason }}.",
            "runbook": "docs/runbooks/sink-paused.md"
          }
        },
        {
          "alert": "MillraceProcessorPaused",
          "expr": "sum by (pipeline) (millrace_processor_paused_partitions) > 0",
          "for": "2m",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "The processor of {{ "{{" }} $labels.pipeline }} cannot go on",
            "description": "{{ "{{" }} $value }} partitions of {{ "{{" }} $labels.pipeline }} wait because of an error.",
            "runbook": "docs/runbooks/sink-paused.md"
          }
        },
        {
          "alert": "MillraceLatestTopicBehind",
          "expr": "max by (pipeline) (millrace_latest_oldest_unsent_seconds) > 300",
          "for": "2m",
          "labels": {
            "severity": "warning"
          },
          "annotations": {
            "summary": "The topic of newest rows of {{ "{{" }} $labels.pipeline }} is behind its table",
            "description": "A newest row of {{ "{{" }} $labels.pipeline }} that changed {{ "{{" }} $value | humanizeDuration }} ago is not in its topic; rows are stored all the same.",
            "runbook": "docs/runbooks/latest-topic-behind.md"
          }
        },
        {
          "alert": "MillraceRoleDown",
          "expr": "up{job=\"millrace\"} == 0",
          "for": "2m",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "The pod {{ "{{" }} $labels.pod }} does not answer",
            "description": "Prometheus gets no metrics from {{ "{{" }} $labels.component }} in {{ "{{" }} $labels.pod }}.",
            "runbook": "docs/runbooks/role-down.md"
          }
        },
        {
          "alert": "MillraceRevokedListEnds",
          "expr": "max(max_over_time(millrace_devices_crl_end_timestamp_seconds[8d])) - time() < 3 * 86400 or max(max_over_time(millrace_devices_broker_crl_end_timestamp_seconds[8d])) - time() < 3 * 86400",
          "for": "10m",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "Soon no device is let in: the list of revoked certificates ends",
            "description": "The list of revoked certificates that the broker has, or the newest there is, is good for {{ "{{" }} $value | humanizeDuration }} more; after it the broker lets no device in.",
            "runbook": "docs/runbooks/devices.md"
          }
        },
        {
          "alert": "MillraceRevokedConnected",
          "expr": "max(millrace_devices_over_certificates) > 0",
          "for": "2m",
          "labels": {
            "severity": "critical"
          },
          "annotations": {
            "summary": "A device may be connected with a certificate that is revoked or has ended",
            "description": "Of {{ "{{" }} $value }} certificates that are over nobody knows that their devices are off the broker.",
            "runbook": "docs/runbooks/devices.md"
          }
        },
        {
          "alert": "MillraceCertificateEnds",
          "expr": "min by (certificate) (millrace_devices_certificate_end_timestamp_seconds) - time() < 60 * 86400",
          "for": "10m",
          "labels": {
            "severity": "warning"
          },
          "annotations": {
            "summary": "A certificate on which devices depend ends: {{ "{{" }} $labels.certificate }}",
            "description": "The certificate {{ "{{" }} $labels.certificate }} is good for {{ "{{" }} $value | humanizeDuration }} more.",
            "runbook": "docs/runbooks/devices.md"
          }
        },
        {
          "alert": "MillraceRulesRefused",
          "expr": "prometheus_config_last_reload_successful{job=\"prometheus\"} == 0",
          "for": "2m",
          "labels": {
            "severity": "warning"
          },
          "annotations": {
            "summary": "Prometheus does not take up rules",
            "description": "Rules or configuration that came last were refused; those from before are still in force.",
            "runbook": "docs/runbooks/rules-refused.md"
          }
        }
      ]
    }
  ]
}
{{ end }}

{{- define "millrace.alertmanager.alertmanager.yml" }}{
  "route": {
    "receiver": "default",
    "group_by": [
      "alertname",
      "pipeline"
    ],
    "group_wait": "10s",
    "group_interval": "1m",
    "repeat_interval": "4h"
  },
  "inhibit_rules": [
    {
      "source_matchers": [
        "severity=\"critical\""
      ],
      "target_matchers": [
        "severity=\"warning\""
      ],
      "equal": [
        "pipeline",
        "namespace"
      ]
    }
  ],
  "receivers": [
{{ if hasKey .Values.alertmanager "webhook" }}    {
      "name": "default",
      "webhook_configs": [
        {
          "url": "{{ include "millrace.inJson" .Values.alertmanager.webhook }}",
          "send_resolved": true
        }
      ]
{{ end }}{{ if not (hasKey .Values.alertmanager "webhook") }}    {
      "name": "default"
{{ end }}    }
  ]
}
{{ end }}

{{- define "millrace.grafana.dashboards.yaml" }}{
  "apiVersion": 1,
  "providers": [
    {
      "name": "millrace",
      "folder": "Millrace",
      "type": "file",
      "disableDeletion": false,
      "allowUiUpdates": false,
      "updateIntervalSeconds": 10,
      "options": {
        "path": "/etc/millrace/dashboards"
      }
    }
  ]
}
{{ end }}

{{- define "millrace.grafana.datasources.yaml" }}{
  "apiVersion": 1,
  "datasources": [
    {
      "name": "TimescaleDB",
      "uid": "timescaledb",
      "type": "grafana-postgresql-datasource",
{{ if hasKey .Values.database "external" }}      "url": "{{ include "millrace.inJson" .Values.database.external.host }}:{{ int64 (dig "port" 5432 .Values.database.external) }}",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (hasKey .Values.database.cloudnativepg "cluster")) }}      "url": "{{ include "millrace.inJson" .Values.database.cloudnativepg.cluster }}-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc:5432",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (and (hasKey .Values.database "cloudnativepg") (not (hasKey .Values.database.cloudnativepg "cluster"))) }}      "url": "database-rw.{{ include "millrace.inJson" .Release.Namespace }}.svc:5432",
{{ end }}{{ if and (not (hasKey .Values.database "external")) (not (hasKey .Values.database "cloudnativepg")) }}      "url": "database.{{ include "millrace.inJson" .Release.Namespace }}.svc:5432",
{{ end }}      "user": "millrace_reader",
      "jsonData": {
        "database": "{{ include "millrace.inJson" .Values.database.name }}",
        "sslmode": "verify-full",
        "tlsConfigurationMethod": "file-path",
        "sslRootCertFile": "/etc/millrace/database/ca.crt",
        "timescaledb": true
      },
      "secureJsonData": {
        "password": "$__file{/etc/millrace/database/password}"
      }
{{ if .Values.prometheus.enabled }}    },
    {
      "name": "Prometheus",
      "uid": "prometheus",
      "type": "prometheus",
{{ end }}{{ if and .Values.prometheus.enabled (hasKey .Values.prometheus "operator") }}      "url": "http://prometheus-operated.{{ include "millrace.inJson" (dig "namespace" "monitoring" .Values.prometheus.operator) }}.svc:9090",
{{ end }}{{ if and .Values.prometheus.enabled (not (hasKey .Values.prometheus "operator")) }}      "url": "http://prometheus.{{ include "millrace.inJson" .Release.Namespace }}.svc:9090",
{{ end }}{{ if .Values.prometheus.enabled }}      "isDefault": true
{{ end }}    }
  ]
}
{{ end }}
