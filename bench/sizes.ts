/** How much is measured: `make bench`, `FULL=1`, and the smoke test that keeps the bench from rotting. */

export interface Size {
  /** Of the backlog that most measurements share. */
  rows: number;
  /** Of each contestant; figures are medians over them. */
  rounds: number;
  /** Of the writer alone, which holds them in memory; and for INSERTs of one row, which are slow. */
  writerRows: number;
  insertRows: number;
  latency: { recordsPerSecond: readonly number[]; warmUpSeconds: number; seconds: number };
  http: { perSecond: number; warmUpSeconds: number; seconds: number };
  /** Records at each step of the three ladders below. */
  growthRows: number;
  growth: {
    rows: readonly number[];
    partitions: readonly number[];
    columns: readonly number[];
    pipelines: readonly number[];
  };
  /** Rows that the audit proves; null: those of the shared backlog. */
  auditRows: number | null;
  idle: { pipelines: readonly number[]; seconds: number };
}

export const SIZES = {
  smoke: {
    rows: 3_000,
    rounds: 1,
    writerRows: 2_000,
    insertRows: 500,
    latency: { recordsPerSecond: [200], warmUpSeconds: 0.5, seconds: 1 },
    http: { perSecond: 50, warmUpSeconds: 0.2, seconds: 1 },
    growthRows: 1_000,
    growth: { rows: [], partitions: [], columns: [], pipelines: [2] },
    auditRows: null,
    idle: { pipelines: [1], seconds: 1 },
  },
  usual: {
    rows: 400_000,
    rounds: 3,
    writerRows: 150_000,
    insertRows: 20_000,
    latency: { recordsPerSecond: [100, 1_000, 5_000, 10_000, 20_000, 40_000], warmUpSeconds: 3, seconds: 10 },
    http: { perSecond: 2_000, warmUpSeconds: 5, seconds: 15 },
    growthRows: 100_000,
    growth: { rows: [100_000, 1_000_000], partitions: [1, 48], columns: [5, 50], pipelines: [1, 10] },
    auditRows: null,
    idle: { pipelines: [1], seconds: 20 },
  },
  full: {
    rows: 1_000_000,
    rounds: 5,
    writerRows: 300_000,
    insertRows: 100_000,
    latency: {
      recordsPerSecond: [100, 300, 1_000, 3_000, 5_000, 10_000, 15_000, 20_000, 30_000, 40_000, 60_000],
      warmUpSeconds: 5,
      seconds: 30,
    },
    http: { perSecond: 2_000, warmUpSeconds: 5, seconds: 60 },
    growthRows: 200_000,
    growth: {
      rows: [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000],
      partitions: [1, 6, 12, 24, 48],
      columns: [5, 10, 25, 50, 100],
      pipelines: [1, 5, 10, 25, 50],
    },
    auditRows: 10_000_000,
    idle: { pipelines: [1, 10, 50], seconds: 60 },
  },
} as const satisfies Record<string, Size>;
