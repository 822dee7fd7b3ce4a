/**
 * Loads Pipelines from files. Either all of them are right, or a SpecError names everything that is wrong: with the text,
 * then with the structure (unknown, missing, of the wrong type), then with the meaning of each document whose structure
 * is right, and of all together.
 */
import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { checkPipeline, warningsOf } from './check.ts';
import { MAX_FILE_BYTES, type Place, readDocuments } from './documents.ts';
import type { Pipeline } from './pipeline.ts';
import { type Finding, type Path, type Problem, pathText, SpecError, show } from './problem.ts';
import { readStructure, valueAt } from './structure.ts';
import { checkTogether } from './together.ts';
import { checkBuilt } from './unbuilt.ts';

export { type Problem, problemText, SpecError } from './problem.ts';

export interface LoadedPipeline {
  pipeline: Pipeline;
  file: string;
  /** Folder to which relative paths in the spec are relative; absolute. */
  folder: string;
  /** One sentence each, with the path in the spec. */
  warnings: string[];
}

/** A Pipeline whose structure is right, and where it stands. */
interface Read {
  pipeline: Pipeline;
  file: string;
  problem(finding: Finding): Problem;
}

/**
 * Loads the Pipelines of one file or several, which are to run together.
 * @throws SpecError with all problems of all files, also for a file that is not there or holds no Pipeline
 */
export async function loadPipelines(files: string | readonly string[]): Promise<LoadedPipeline[]> {
  const list = typeof files === 'string' ? [files] : files;
  const problems: Problem[] = [];
  const read: Read[] = [];
  for (const file of list) {
    const bytes = await readFile(file);
    if (bytes instanceof Uint8Array) read.push(...readPipelines(bytes, file, problems));
    else problems.push(bytes);
  }
  return finish(read, problems);
}

/**
 * The Pipelines in a text or its UTF-8 bytes.
 * @param fileName named in problems; relative paths in the spec are relative to its folder
 * @throws SpecError with all problems
 */
export function parsePipelines(text: string | Uint8Array, fileName: string): LoadedPipeline[] {
  const problems: Problem[] = [];
  return finish(readPipelines(text, fileName, problems), problems);
}

/** At most one byte more than is allowed, so that a huge file is refused without being read. */
async function readFile(file: string): Promise<Uint8Array | Problem> {
  try {
    const handle = await open(file);
    try {
      const buffer = Buffer.alloc(MAX_FILE_BYTES + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
      }
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const found = code === 'ENOENT' ? 'no such file' : message;
    return {
      file,
      line: 1,
      column: 1,
      path: '',
      message: 'the file cannot be read',
      found,
      allowed: 'a YAML or JSON file with a Pipeline',
    };
  }
}

function readPipelines(text: string | Uint8Array, file: string, problems: Problem[]): Read[] {
  const yaml = readDocuments(text, file);
  problems.push(...yaml.problems);
  if (yaml.documents.length === 0 && yaml.problems.length === 0)
    problems.push({
      file,
      line: 1,
      column: 1,
      path: '',
      message: 'the file holds no Pipeline',
      found: 'nothing',
      allowed: 'a Pipeline',
    });
  const read: Read[] = [];
  for (const { value, locate } of yaml.documents) {
    const problem = (finding: Finding): Problem => problemOf(finding, value, file, locate);
    const structure = readStructure(value);
    if ('findings' in structure) problems.push(...structure.findings.map(problem));
    else read.push({ pipeline: structure.pipeline, file, problem });
  }
  return read;
}

function problemOf(finding: Finding, root: unknown, file: string, locate: (path: Path, at?: 'name') => Place): Problem {
  const { path, message, allowed, found, at } = finding;
  return { file, ...locate(path, at), path: pathText(path), found: found ?? show(valueAt(root, path)), allowed, message };
}

function finish(read: readonly Read[], problems: Problem[]): LoadedPipeline[] {
  for (const { pipeline, problem } of read) problems.push(...[...checkBuilt(pipeline), ...checkPipeline(pipeline)].map(problem));
  for (const { index, finding } of checkTogether(read)) {
    const problem = read[index]?.problem(finding);
    if (problem) problems.push(problem);
  }
  if (problems.length > 0) throw new SpecError(problems);
  return read.map(({ pipeline, file }) => ({ pipeline, file, folder: dirname(resolve(file)), warnings: warningsOf(pipeline) }));
}
