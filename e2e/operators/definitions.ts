/**
 * The definitions (CRDs) of the operators that we ask for things, as they publish them: CloudNativePG's are files of its Go
 * module, Strimzi's are made by its own generator of its own classes from Maven Central. No copy is kept here.
 */
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDocuments } from '@millrace/core/spec/documents.ts';
import { millraceHome } from '@millrace/embedded/home.ts';
import { findJava } from '@millrace/embedded/java.ts';
import { ensureJars } from '@millrace/embedded/kafkaJars.ts';
import { goModule } from '../../scripts/goTools.ts';

const WITHIN_MS = 300_000;
/** Versions of Strimzi and of CloudNativePG. */
export const MEANT = { strimzi: '0.51.0', cloudNativePg: '1.30.0' } as const;

const STRIMZI = ['user.KafkaUser', 'topic.KafkaTopic'];

export interface Definition {
  spec: {
    group: string;
    names: { kind: string };
    versions: { name: string; schema: { openAPIV3Schema: Record<string, unknown> } }[];
  };
}

/** null: there is no Go. @throws Error where the module cannot be had */
export function cloudNativePgDefinitions(): Definition[] | null {
  const folder = goModule(`github.com/cloudnative-pg/cloudnative-pg@v${MEANT.cloudNativePg}`);
  if (folder === null) return null;
  const files = globSync('config/crd/bases/postgresql.cnpg.io_*.yaml', { cwd: folder }).toSorted();
  return files.map((file) => definitionIn(join(folder, file)));
}

/** @throws Error where there is no Java or no Maven, or a jar is another than it was */
export async function strimziDefinitions(): Promise<Definition[]> {
  const sources = import.meta.dirname;
  const lib = await ensureJars({
    folder: join(millraceHome(), 'strimzi', MEANT.strimzi),
    sources,
    checksums: readFileSync(join(sources, 'jars.sha256'), 'utf8'),
    name: `Strimzi ${MEANT.strimzi}'s classes from Maven Central (16 MB, only once)`,
    say: (line) => process.stderr.write(`${line}\n`),
  });
  const { command } = await findJava();
  const folder = mkdtempSync(join(tmpdir(), 'millrace-strimzi-'));
  try {
    const files = STRIMZI.map((name) => join(folder, `${name}.yaml`));
    const wanted = STRIMZI.map((name, index) => `io.strimzi.api.kafka.model.${name}=${files[index]}`);
    const words = ['-cp', `${lib}/*`, 'io.strimzi.crdgenerator.CrdGenerator', '--yaml', ...wanted];
    await promisify(execFile)(command, words, { timeout: WITHIN_MS });
    return files.map(definitionIn);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function definitionIn(file: string): Definition {
  const [document] = readDocuments(readFileSync(file, 'utf8'), file).documents;
  if (!document) throw new Error(`${file} holds no definition`);
  return document.value as Definition;
}

/** As `/openapi/v3` has them: a schema per kind and version. Pure. */
export function openApiOf(definitions: readonly Definition[]): {
  components: { schemas: Record<string, Record<string, unknown>> };
} {
  const schemas = definitions.flatMap(({ spec: { group, names, versions } }) =>
    versions.map(({ name: version, schema }) => [
      `${group}.${version}.${names.kind}`,
      { ...schema.openAPIV3Schema, 'x-kubernetes-group-version-kind': [{ group, version, kind: names.kind }] },
    ]),
  );
  return { components: { schemas: Object.fromEntries(schemas) } };
}
