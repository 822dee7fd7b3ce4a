/** Reads a values file: all that is wrong with it at once, each with its place, as for a Pipeline. */
import { readDocuments } from '@millrace/core/spec/documents.ts';
import { jsonSchemaOf } from '@millrace/core/spec/jsonSchema.ts';
import { type Problem, pathText, SpecError, show } from '@millrace/core/spec/problem.ts';
import { readAs, valueAt } from '@millrace/core/spec/structure.ts';
import { type Values, values } from './values.ts';

const TYPE = { type: values, schema: jsonSchemaOf(values) };

/** The platform as it is without any wish. */
export function defaultValues(): Values {
  return values.parse({});
}

/**
 * @param text YAML or JSON; an empty one means all defaults @param file named in problems
 * @throws SpecError with all problems
 */
export function parseValues(text: string | Uint8Array, file: string): Values {
  const { documents, problems } = readDocuments(text, file);
  if (problems.length > 0) throw new SpecError(problems);
  const [document, second] = documents;
  if (!document) return defaultValues();
  const problem = (
    path: Problem['path'],
    place: { line: number; column: number },
    rest: Omit<Problem, 'file' | 'path' | 'line' | 'column'>,
  ) => ({
    file,
    path,
    ...place,
    ...rest,
  });
  if (second) {
    const rest = { message: 'values are one document', found: `${documents.length} documents`, allowed: 'one' };
    throw new SpecError([problem('', second.locate([]), rest)]);
  }
  const read = readAs(TYPE, document.value);
  if ('value' in read) return read.value;
  throw new SpecError(
    read.findings.map(({ path, message, allowed, found, at }) =>
      problem(pathText(path), document.locate(path, at), {
        message,
        allowed,
        found: found ?? show(valueAt(document.value, path)),
      }),
    ),
  );
}
