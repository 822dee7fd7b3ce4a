import { readFileSync } from 'node:fs';
import type { Manifest } from '@millrace/cdk8s/constructs/manifest.ts';
import { loadPipelines } from '@millrace/core/spec/load.ts';
import type { Command } from 'commander';
import { orLeftOut } from '../leftOut.ts';
import { UsageError } from '../usage.ts';

interface RenderOptions {
  values?: string;
  platform?: true;
}

/** `millrace render FILE…`: the Kubernetes objects of Pipelines, or of the platform under them. */
export function addRender(program: Command): void {
  program
    .command('render')
    .description('print the Kubernetes objects of Pipelines, for kubectl apply -f -')
    .argument('[file...]', 'Pipeline files')
    .option(
      '--platform',
      'the platform instead: Kafka, the database, Prometheus …, with its namespace and the definition of Pipelines',
    )
    .option('--values <file>', 'values of the platform; default: all defaults')
    .action(render);
}

async function render(files: string[], { values: valuesFile, platform }: RenderOptions): Promise<void> {
  if (platform ? files.length > 0 : files.length === 0)
    throw new UsageError(platform ? '--platform takes no Pipeline files' : 'give Pipeline files, or --platform');
  // Loaded only here: what makes manifests takes longer to load than all the rest.
  const [{ defaultValues, parseValues }, { clusterObjects, platformObjects }, { pipelineObjects }, { scaleNote }] =
    await orLeftOut(
      Promise.all([
        import('@millrace/cdk8s/platform/loadValues.ts'),
        import('@millrace/cdk8s/platform/platform.ts'),
        import('@millrace/cdk8s/pipeline/pipeline.ts'),
        import('@millrace/cdk8s/pipeline/scaling.ts'),
      ]),
      'an image cannot render manifests: run it in a checkout',
    );
  const values = valuesFile === undefined ? defaultValues() : parseValues(read(valuesFile), valuesFile);
  const pipelines = platform ? [] : (await loadPipelines(files)).map(({ pipeline }) => pipeline);
  const objects = platform
    ? [...clusterObjects(values), ...platformObjects(values)]
    : pipelines.flatMap((pipeline) => pipelineObjects(pipeline, values));
  for (const note of pipelines.flatMap((pipeline) => scaleNote(pipeline, values) ?? []))
    process.stderr.write(`millrace: ${note}\n`);
  process.stdout.write(documents(objects));
}

/** One document per object; JSON, which every YAML reader reads in one way only. */
function documents(objects: readonly Manifest[]): string {
  return objects.map((object) => `---\n${JSON.stringify(object, null, 2)}\n`).join('');
}

function read(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`--values ${file}: ${(error as Error).message}`, { cause: error });
  }
}
