/**
 * Sends a command and waits for its answer.
 *
 * Invariants: it is recorded before it is sent; the answer is listened for before it is sent; the broker does not deliver it after its
 * time (message expiry of MQTT 5), so that a device that comes back tomorrow does nothing that nobody wants any more.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@millrace/core/log.ts';
import type { IPublishPacket, MqttClient, Packet } from 'mqtt';
import type { Pool } from 'pg';
import { type Command, type Heard, type MatchedBy, matchOf, type Outcome, type Result } from './command.ts';
import type { Link } from './link.ts';
import { end, take } from './records.ts';

/** How often a topic is looked at that somebody else has. */
const LOOK_MS = 100;
/** For the broker to take a subscription; the command is not sent without it. */
const SUBSCRIBE_MS = 10_000;
const NO_SUBSCRIBERS = 16;

/** The command was not sent. */
export class NotSent extends Error {
  override name = 'NotSent';
  /** `busy`: another command to this topic waits for its answer; `away`: the broker is not there. */
  readonly why: 'busy' | 'away';

  constructor(why: NotSent['why'], message: string) {
    super(message);
    this.why = why;
  }
}

export interface SendOptions {
  pool: Pool;
  link: Pick<Link, 'client' | 'trouble'>;
  /** Who sends it. */
  by: string;
  log: Logger;
}

/** @throws NotSent; Error where the database does not answer, and then it was not sent either */
export async function sendCommand(command: Command, { pool, link, by, log }: SendOptions): Promise<Result> {
  const id = randomUUID();
  const deadline = performance.now() + command.timeoutMs;
  connected(link);
  const strict = await takeTopic(pool, id, command, by, deadline);
  let outcome: Outcome = 'failed';
  let answer: Result['answer'] = null;
  try {
    ({ outcome, answer } = await ask(connected(link), command, id, strict));
  } catch (error) {
    log.warn({ err: error, device: command.device, id }, 'a command failed; whether the device has it nobody knows');
  }
  const recorded = await end(pool, id, outcome, answer).then(
    () => true,
    (error: unknown) => {
      log.error({ err: error, device: command.device, id, outcome }, 'the outcome of a command could not be recorded');
      return false;
    },
  );
  return { id, outcome, answer, recorded };
}

function connected({ client, trouble }: SendOptions['link']): MqttClient {
  const now = client();
  if (now === null)
    throw new NotSent('away', `the broker is not there: ${trouble() ?? 'the connection was lost'}; send it again`);
  return now;
}

async function takeTopic(pool: Pool, id: string, command: Command, by: string, deadline: number): Promise<boolean> {
  for (;;) {
    const taken = await take(pool, id, command, by);
    if (taken.isTaken) return taken.strict;
    if (performance.now() + Math.min(taken.waitMs, LOOK_MS) > deadline)
      throw new NotSent(
        'busy',
        `another command to ${command.device}/${command.topic} waits for its answer, for ${Math.ceil(taken.waitMs / 1_000)} s at most; send it again`,
      );
    await sleep(Math.min(taken.waitMs, LOOK_MS));
  }
}

/** @throws Error where the broker refuses, or goes away before it said that it has the command */
async function ask(
  client: MqttClient,
  { device, topic, payload, timeoutMs }: Command,
  id: string,
  strict: boolean,
): Promise<Pick<Result, 'outcome' | 'answer'>> {
  const correlationData = Buffer.from(id.replaceAll('-', ''), 'hex');
  const responseTopic = `stat/${device}/${topic}`;
  const answered = Promise.withResolvers<{ payload: Buffer; matchedBy: MatchedBy }>();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // nobody waits for it where an answer came first
  const unheard = new Set<number>();
  const onMessage = (on: string, bytes: Buffer, packet: IPublishPacket): void => {
    if (on !== responseTopic) return;
    const matchedBy = matchOf(heardOf(bytes, packet), correlationData, strict);
    if (matchedBy !== null) answered.resolve({ payload: bytes, matchedBy });
  };
  const onPacket = (packet: Packet): void => {
    if (packet.cmd === 'puback' && packet.reasonCode === NO_SUBSCRIBERS && packet.messageId !== undefined)
      unheard.add(packet.messageId);
  };
  const onClose = (): void => lost.reject(new Error('the connection to the broker was lost'));
  client.on('message', onMessage).on('packetreceive', onPacket).on('close', onClose);
  try {
    // 2: what is retained there was said before.
    await within(SUBSCRIBE_MS, Promise.race([client.subscribeAsync(responseTopic, { qos: 1, rh: 2 }), lost.promise]));
    const properties = { messageExpiryInterval: Math.ceil(timeoutMs / 1_000), responseTopic, correlationData };
    const published = client.publishAsync(`cmnd/${device}/${topic}`, payload, { qos: 1, properties });
    published.catch(() => undefined); // it is raced below; later nobody waits for it
    const taken = await within(timeoutMs, Promise.race([published, lost.promise, answered.promise]));
    const messageId = taken && 'messageId' in taken ? taken.messageId : undefined;
    if (messageId !== undefined && unheard.has(messageId)) return { outcome: 'undelivered', answer: null };
    const answer = await orNothing(timeoutMs, Promise.race([answered.promise, lost.promise]));
    return { outcome: answer === null ? 'unanswered' : 'answered', answer };
  } finally {
    client.off('message', onMessage).off('packetreceive', onPacket).off('close', onClose);
    client.unsubscribeAsync(responseTopic).catch(() => undefined); // of a connection that is gone
  }
}

function heardOf(payload: Buffer, { retain, properties }: IPublishPacket): Heard {
  return { payload, retain, correlation: properties?.correlationData ?? null };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`the broker did not answer within ${ms / 1_000} s`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function orNothing<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
