/** Devices outside of the cluster: where they find the broker, how each gets a certificate of its own, and how it connects. */
import { DEVICES_PORT, SECRETS } from '@millrace/cdk8s/platform/names.ts';
import type { Kubectl } from '@millrace/deploy/kubectl.ts';
import { requestOf } from '@millrace/identity/testing/request.ts';
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { forwarded } from '../forwarded.ts';

const ANSWER_MS = 30_000;
const CONNECT_MS = 20_000;
const DAYS = 30;

export interface Door {
  url: string;
  /** In the broker's certificate, which knows no address of a node. */
  servername: string;
  /** Of whom that certificate is, PEM. */
  authority: string;
}

/** PEM. */
export interface Owner {
  device: string;
  certificate: string;
  key: string;
}

/** The NodePort of the listener for devices. @throws Error where the broker is not to be reached from outside */
export async function doorOf(kubectl: Kubectl): Promise<Door> {
  const nodes = await kubectl.list<{ status: { addresses: { type: string; address: string }[] } }>('nodes');
  const address = nodes.flatMap(({ status }) => status.addresses).find(({ type }) => type === 'InternalIP')?.address;
  const port = await kubectl.run(
    'get',
    'service/mqtt-devices',
    '--ignore-not-found',
    '--output=jsonpath={.spec.ports[0].nodePort}',
  );
  if (address === undefined || port === '')
    throw new Error('devices do not reach the broker from outside; this test needs the value mqtt.service: NodePort');
  const authority = await secretOf(kubectl, SECRETS.mqttServer, 'ca.crt');
  return { url: `mqtts://${address}:${port}`, servername: `mqtt.${kubectl.namespace}.svc`, authority };
}

/** Each has its request signed by the endpoint for it, as it would be set up; its key never leaves this machine. */
export async function certified(kubectl: Kubectl, devices: readonly string[]): Promise<Owner[]> {
  const token = await secretOf(kubectl, SECRETS.provisioningTokens, 'admin');
  return forwarded(kubectl, 'devices', DEVICES_PORT, async (url) => {
    const owners: Owner[] = [];
    for (const device of devices) {
      const { pem: csr, key } = await requestOf(`CN=${device}`);
      const { code, body } = await post(`${url}/devices/${device}/certificates`, token, { csr, days: DAYS });
      if (code !== 201) throw new Error(`${device} gets no certificate: ${code} ${JSON.stringify(body)}`);
      owners.push({ device, certificate: String(body.certificate), key });
    }
    return owners;
  });
}

/** A command, as who may send some does it over HTTP. */
export async function command(kubectl: Kubectl, device: string, body: object): Promise<Answer> {
  const token = await secretOf(kubectl, SECRETS.commandTokens, 'admin');
  return forwarded(kubectl, 'devices', DEVICES_PORT, (url) => post(`${url}/devices/${device}/commands`, token, body));
}

/** By mutual TLS. @throws Error where it is not let in, with the broker's reason */
export function connect({ url, servername, authority }: Door, owner: Owner, options: IClientOptions = {}): Promise<MqttClient> {
  const { device: clientId, certificate: cert, key } = owner;
  const usual = { clientId, servername, ca: authority, cert, key, reconnectPeriod: 0, connectTimeout: CONNECT_MS };
  return connectAsync(url, { ...usual, ...options });
}

export interface Answer {
  code: number;
  body: Record<string, unknown>;
}

async function post(url: string, token: string, body: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  return { code: answer.status, body: (await answer.json()) as Answer['body'] };
}

function secretOf(kubectl: Kubectl, secret: string, key: string): Promise<string> {
  return kubectl.run('get', 'secret', secret, `--output=go-template={{index .data "${key}" | base64decode}}`);
}
