/** What is synthesised: Kubernetes objects as plain data, in the order in which they were made. */
import { ApiObject, App, Chart } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { computeChecksums } from './checksum.ts';

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [member: string]: unknown;
}

/**
 * Runs constructs and returns the objects they make. Pure: the same constructs give the same objects, names are the ones
 * that were given (no hash of a path), and nothing is read or written.
 * @param namespace of every object that names none; '' for objects without one
 */
export function synthesise(namespace: string, build: (chart: Chart) => void): Manifest[] {
  return computeChecksums(draft(namespace, build));
}

/** The same with marks where checksums go (`checksum.ts`). */
export function draft(namespace: string, build: (chart: Chart) => void): Manifest[] {
  const chart = new Chart(new App(), 'millrace', { disableResourceNameHashes: true, ...(namespace ? { namespace } : {}) });
  build(chart);
  return chart.toJson();
}

/** The plain data of an object of cdk8s-plus-27, to be put right and handed to an ApiObject. */
export function shapeOf(build: (scope: Chart) => IConstruct): Record<string, unknown> {
  return ApiObject.of(build(new Chart(new App(), 'shape', { disableResourceNameHashes: true }))).toJson();
}
