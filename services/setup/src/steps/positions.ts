import type { Step } from './step.ts';

/**
 * A position row for every partition, before the partition is there: SELECT … FOR UPDATE locks nothing where there is no
 * row, so the row must exist before the first race for it (DESIGN 1.2 rule 3).
 */
export const positions: Step = async ({ session, model, partitions, changes }) => {
  const { rowCount } = await session.query(
    `INSERT INTO millrace.positions (pipeline, partition) SELECT $1, p FROM generate_series(0, $2::int - 1) AS p ON CONFLICT DO NOTHING`,
    [model.pipeline, partitions],
  );
  if (rowCount) changes.push(`created ${rowCount} positions of ${model.pipeline}`);
};
