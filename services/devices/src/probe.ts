/** Asks a broker, as a device would, whether it refuses a certificate as revoked. */
import { connect } from 'node:tls';
import { readPem } from '@millrace/core/secretFile.ts';

const ANSWER_MS = 10_000;
/** CONNECT of MQTT 3.1.1 without a client id, and DISCONNECT. */
const CONNECT = Buffer.from('100c00044d5154540402003c0000', 'hex');
const DISCONNECT = Buffer.from('e000', 'hex');

/** Where devices reach the broker. */
export interface DevicesListener {
  /** mqtts://host:port */
  url: string;
  /** PEM file: who signed the broker's certificate; left out: whom Node trusts. */
  ca?: string;
}

/** PEM. */
export interface Shown {
  certificate: string;
  key: string;
}

export interface Probed {
  isRefused: boolean;
  /** Until when the broker's own certificate is good; null: it was not seen. */
  brokerEnd: Date | null;
}

/** @throws Error where it neither lets it in nor says that it is revoked */
export async function probe({ url, ca }: DevicesListener, { certificate, key }: Shown): Promise<Probed> {
  const { hostname, port } = new URL(url);
  const answered = Promise.withResolvers<boolean>();
  const socket = connect({
    host: hostname,
    port: Number(port),
    servername: hostname,
    cert: certificate,
    key,
    ...(ca === undefined ? {} : { ca: readPem(ca) }),
  });
  let brokerEnd: Date | null = null;
  const late = setTimeout(() => socket.destroy(new Error(`it did not answer within ${ANSWER_MS / 1_000} s`)), ANSWER_MS);
  socket
    .on('secureConnect', () => {
      brokerEnd = new Date(socket.getPeerCertificate().valid_to);
      // With TLS 1.3 the broker judges the certificate only now, and who is let in hears nothing before it says something.
      socket.write(CONNECT);
    })
    .on('data', () => answered.resolve(false))
    .on('error', (error) => (/certificate revoked/.test(error.message) ? answered.resolve(true) : answered.reject(error)))
    .on('close', () => answered.reject(new Error('it closed the connection without a word')));
  try {
    const isRefused = await answered.promise;
    if (!isRefused) socket.end(DISCONNECT);
    return { isRefused, brokerEnd };
  } catch (error) {
    throw new Error(`the broker at ${url} does not say which list of revoked certificates it has: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    clearTimeout(late);
    socket.destroySoon();
  }
}
