/** Pipelines that are to run together must not share a name, a topic or a table. */
import { namesOf, rollupName } from './names.ts';
import type { Pipeline } from './pipeline.ts';
import type { Finding, Path } from './problem.ts';

interface Claim {
  /** What is claimed, in a form that two claimants share. */
  what: string;
  text: string;
  path: Path;
}

/** What is wrong between Pipelines, with the index of the later one. */
export function checkTogether(all: readonly { pipeline: Pipeline; file: string }[]): { index: number; finding: Finding }[] {
  const owners = new Map<string, { index: number; name: string; file: string }>();
  const found: { index: number; finding: Finding }[] = [];
  for (const [index, { pipeline, file }] of all.entries()) {
    const name = namesOf(pipeline).pipeline;
    for (const { what, text, path } of claimsOf(pipeline)) {
      const owner = owners.get(what);
      if (owner === undefined) owners.set(what, { index, name, file });
      else if (owner.index !== index) {
        const message = `${text} belongs to the Pipeline ${owner.name} in ${owner.file} already`;
        found.push({ index, finding: { path, message, found: text, allowed: 'a name of its own' } });
        break; // the rest follows from it
      }
    }
  }
  return found;
}

function claimsOf(pipeline: Pipeline): Claim[] {
  const { pipeline: name, raw, processed, dlq, schema, table, latestTable } = namesOf(pipeline);
  const { source, topics, rollups = [] } = pipeline.spec;
  const prefix: Path = topics?.prefix === undefined ? ['metadata', 'name'] : ['spec', 'topics', 'prefix'];
  const relations = [table, latestTable, ...rollups.map(({ every }) => rollupName(table, every))];
  return [
    { what: `pipeline ${name}`, text: `the name ${name}`, path: ['metadata', 'name'] },
    // Kafka takes . and _ for the same in a topic's name.
    ...[...(source.topic ? [] : [raw]), processed, dlq].map((topic) => ({
      what: `topic ${topic.replaceAll('.', '_')}`,
      text: `the topic ${topic}`,
      path: prefix,
    })),
    ...relations.map((relation) => ({
      what: `table ${schema}.${relation}`,
      text: `the table ${schema}.${relation}`,
      path: ['spec', 'table', 'name'],
    })),
  ];
}
