/**
 * A feed in which every device is another one. What a role holds per key would grow with it; the roles keep below their bound,
 * and each row and each newest row is there. KEYS=1000000 takes a million devices.
 */
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { audit } from '@millrace/audit/audit.ts';
import { namesOf } from '@millrace/core/spec/names.ts';
import { afterAll, expect, test } from 'vitest';
import { type Platform, ROLES, removeFolder, startPlatform } from './platform.ts';

/** Devices, a multiple of 1,000; each tenth one has a second record, an hour later. */
const KEYS = Number(process.env.KEYS ?? 60_000);
/** What docs/performance.md says of each role. */
const LIMIT_MEBIBYTES = 250;
/** A net: a slow machine stores 1,000 rows a second. */
const TIMEOUT_MS = 60_000 + KEYS;
const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;

/** Of each thousand records, by their number: one is refused, one is dropped. */
const BAD = 13;
const AWAY = 17;

const yaml = (file: string): string => `
apiVersion: millrace.dev/v1alpha1
kind: Pipeline
metadata: { name: keys }
spec:
  source: { replay: { path: ${JSON.stringify(file)} } }
  topics: { partitions: 6 }
  record:
    key: device
    time: { field: at, format: epoch_ms }
    fields:
      device: { type: text, required: true }
      n: { type: int, required: true }
    where:
      - { name: away, cel: "n % 1000 != ${AWAY}" }
  table: { name: keys }
`;

/** Record n of a device: n is its device's number, and ${KEYS} more in its second record. */
function line(n: number): string {
  const at = START_MS + (n % KEYS) + (n < KEYS ? 0 : HOUR_MS);
  return `{"at":${at},"device":"device-${n % KEYS}","n":${n % 1_000 === BAD ? `"${n}x"` : n}}\n`;
}

const firsts = Array.from({ length: KEYS }, (_, n) => n);
const seconds = firsts.filter((n) => n % 10 === 0).map((n) => n + KEYS);
const all = [...firsts, ...seconds];
const isBad = (n: number): boolean => n % 1_000 === BAD;
const isRow = (n: number): boolean => !isBad(n) && n % 1_000 !== AWAY;

/** What the row of record n is, from n alone: with as many different n as there are rows to be, none is missing or another. */
const RIGHT = `device = 'device-' || n % ${KEYS} and n % 1000 not in (${BAD}, ${AWAY})
  and time = to_timestamp((${START_MS} + n % ${KEYS} + case when n < ${KEYS} then 0 else ${HOUR_MS} end) / 1000.0)`;
const NEWEST = `n = case when n % ${KEYS} % 10 = 0 then n % ${KEYS} + ${KEYS} else n end`;

let platform: Platform | undefined;
let folder: string | undefined;

afterAll(async () => {
  await platform?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Resident memory at its highest (proc(5)), MiB. */
function peakMebibytes(pid: number): number {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(peak) / 1024);
}

test.runIf(process.platform === 'linux')(
  `${KEYS} different devices keep every role below ${LIMIT_MEBIBYTES} MiB, and each has its rows and its newest row`,
  { timeout: 2 * TIMEOUT_MS },
  async () => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-keys-'));
    const file = join(folder, 'keys.ndjson');
    writeFileSync(file, '');
    for (let at = 0; at < all.length; at += 10_000)
      appendFileSync(
        file,
        all
          .slice(at, at + 10_000)
          .map(line)
          .join(''),
      );
    platform = await startPlatform(yaml(file));
    const { kafka, database, loaded } = platform;
    const names = namesOf(loaded.pipeline);
    const rows = all.filter(isRow);
    const ask = async (query: string) => (await database.query(query)).rows[0];
    const stored = async (): Promise<number> =>
      Number((await ask('select coalesce(sum(stored), 0) as n from millrace.ledger')).n);
    await expect.poll(stored, { timeout: TIMEOUT_MS, interval: 500 }).toBe(rows.length);
    const refused = async (): Promise<number> => (await kafka.bounds(names.dlq)).reduce((sum, { end }) => sum + end, 0);
    await expect.poll(refused, { timeout: TIMEOUT_MS, interval: 500 }).toBe(all.filter(isBad).length);
    expect((await kafka.bounds(names.raw)).reduce((sum, { end }) => sum + end, 0)).toBe(all.length);

    expect(
      await ask(`select count(*)::int, count(distinct n)::int as different, bool_and(${RIGHT}) as right from "default".keys`),
    ).toEqual({ count: rows.length, different: rows.length, right: true });
    const devices = new Set(rows.map((n) => n % KEYS)).size;
    expect(
      await ask(
        `select count(*)::int, count(distinct device)::int as different, bool_and(${RIGHT} and ${NEWEST}) as right from "default".keys_latest`,
      ),
    ).toEqual({ count: devices, different: devices, right: true });
    // Raw = stored + refused + dropped, by the audit's own counts.
    const { state, checks } = await audit(loaded.pipeline, { kafka, database });
    expect(checks.flatMap(({ findings }) => findings)).toEqual([]);
    expect(state).toBe('equal');

    const peaks = ROLES.map((role): [string, number] => [role, peakMebibytes(platform?.pids(role)[0] ?? 0)]);
    console.log(`most resident: ${peaks.map(([role, peak]) => `${role} ${peak} MiB`).join(', ')}`);
    for (const [role, peak] of peaks) expect(peak, role).toBeLessThan(LIMIT_MEBIBYTES);
    await platform.stop();
    removeFolder(platform);
    platform = undefined;
  },
);
