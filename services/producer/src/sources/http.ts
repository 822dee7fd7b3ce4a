/**
 * Devices that POST. A request is answered 200 only after Kafka acknowledged all of it; what is not answered 200 is the client's to
 * send again (DESIGN 1.2 rule 7).
 */

import { rateLimiter } from '@millrace/core/http/rate.ts';
import { HttpRefusal } from '@millrace/core/http/refusal.ts';
import { DEFAULT_HTTP_PORT, maxBodyOf } from '@millrace/core/spec/defaults.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import type { FastifyRequest } from 'fastify';
import { checkAdmission, store } from '../http/answers.ts';
import { Body, readBody, tooLarge } from '../http/body.ts';
import { type Envelope, envelopesOf } from '../http/envelope.ts';
import { claimPaths } from '../http/listener.ts';
import { requestsOf } from '../http/metrics.ts';
import { schemaOf } from '../http/openapi.ts';
import { pathsOf } from '../http/paths.ts';
import { authorizer } from '../http/tokens.ts';
import { Intake } from '../intake/intake.ts';
import type { Source } from './source.ts';

const LOOPBACK = '127.0.0.1';
const NDJSON = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
/** Requests come one by one: those of some milliseconds make one send. */
const LINGER_MS = 10;
/** For requests under way when it ends. */
const DRAIN_MS = 15_000;

export const http: Source = {
  async start(pipeline, { kafka, log, metrics, http: listen }) {
    const { http: spec } = pipeline.spec.source;
    if (!spec) throw new Error('the Pipeline has no source.http');
    const { pipeline: name, raw } = namesOf(pipeline);
    const { host = LOOPBACK, port = DEFAULT_HTTP_PORT, secrets = null } = listen ?? {};
    const authorize = authorizer(spec.auth, secrets);
    const limit = spec.rate === undefined ? null : rateLimiter(spec.rate);
    const maxBytes = maxBodyOf(pipeline);
    const envelopes = envelopesOf(pipeline);
    const requests = requestsOf(metrics);
    const labels = { pipeline: name, source: 'http' };
    const intake = new Intake({ context: { kafka, log, metrics }, topic: raw, labels, lingerMs: LINGER_MS });
    const underway = new Set<Promise<unknown>>();
    let draining = false;

    async function take(request: FastifyRequest): Promise<{ records: number }> {
      const { headers, ip } = request;
      if (draining) throw new HttpRefusal(503, 'the producer ends; send it again', { retryAfterSeconds: 1 });
      allow(() => authorize(headers.authorization));
      const waitSeconds = limit?.(ip, performance.now()) ?? 0;
      if (waitSeconds > 0)
        throw new HttpRefusal(429, `more than ${spec?.rate} requests a second; send it again`, {
          retryAfterSeconds: waitSeconds,
        });
      const envelope = envelopeFor(headers['content-type'], envelopes);
      if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
      checkAdmission(intake);
      const body = new Body();
      try {
        await readBody(request.raw, headers['content-encoding'], maxBytes, body);
        const records = await envelope(body.bytes());
        await store(records, intake);
        return { records: records.length };
      } finally {
        body.release();
      }
    }

    /** Files that cannot be read at the moment are nobody's fault who sends. */
    function allow(check: () => void): void {
      try {
        check();
      } catch (error) {
        if (error instanceof HttpRefusal) throw error;
        log.error({ err: error }, 'nobody can be let in');
        throw new HttpRefusal(503, 'nobody can be let in at the moment; send it again', { retryAfterSeconds: 5 });
      }
    }

    const post = (request: FastifyRequest): Promise<{ records: number }> => {
      const taking = take(request);
      const ended: Promise<unknown> = taking.catch(() => undefined).then(() => underway.delete(ended));
      underway.add(ended);
      return taking;
    };
    const paths = pathsOf(pipeline);
    const operation = {
      pipeline: name,
      summary: pipeline.spec.record.decode === 'sensor-logger' ? 'Pushes of Sensor Logger' : 'Readings',
      secured: spec.auth?.open !== true,
      maxBodyBytes: maxBytes,
      schema: schemaOf(pipeline),
    };
    const answered = (code: number): void => requests.inc({ pipeline: name, code: String(code) });
    const claim = await claimPaths(paths, { pipeline: name, operation, post, answered, log }, { host, port }).catch(
      async (error) => {
        await intake.stop();
        throw error;
      },
    );
    log.info({ host, port: claim.port, paths }, 'taking requests here');
    return {
      health: () => intake.health(),
      failed: new Promise<Error>(() => undefined), // it waits for Kafka, and goes on by itself
      stop: async () => {
        draining = true;
        const late = Promise.withResolvers<void>();
        const timer = setTimeout(late.resolve, DRAIN_MS);
        await Promise.race([Promise.all(underway), late.promise]);
        clearTimeout(timer);
        await intake.drain();
        await intake.stop();
        await claim.release();
      },
    };
  },
};

function envelopeFor(contentType: string | undefined, { json, ndjson }: ReturnType<typeof envelopesOf>): Envelope {
  const [type = ''] = (contentType ?? '').split(';');
  const named = type.trim().toLowerCase();
  if (named === 'application/json') return json;
  if (NDJSON.includes(named)) return ndjson;
  throw new HttpRefusal(
    415,
    `content-type is ${JSON.stringify(named.slice(0, 80))}; allowed are application/json and application/x-ndjson`,
  );
}
