/** Which writer a Pipeline's table gets. */
import { copyWriter } from './copy.ts';
import { uniqueWriter } from './unique.ts';
import type { Target, Unique, Writer } from './writer.ts';

export function writerFor(target: Target, unique: Unique | null): Writer {
  return unique === null ? copyWriter(target) : uniqueWriter(target, unique);
}
