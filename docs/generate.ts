/** Writes what is made from the code: `npm run docs`. `docs/generate.test.ts` fails where it was not run. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { chartFiles } from '@millrace/cdk8s/chart/chart.ts';
import { editorSchema } from '@millrace/core/spec/jsonSchema.ts';
import { referencePage } from '@millrace/core/spec/reference.ts';
import { guardsPage } from './guardsPage.ts';

export const REFERENCE = join(import.meta.dirname, 'reference');
export const CHART = join(import.meta.dirname, '../charts/millrace');

const TITLES: Record<string, string> = {
  'smallest.yaml': 'The smallest',
  'traffic.yaml': 'A file with most of what there is',
  'simulator.yaml': 'Simulated devices',
  'sensors-mqtt.yaml': 'Devices that send one value at a time, without a time, over MQTT',
};

/** The generated files by path, with what they should hold. @throws Error for an example without a title */
export async function generate(): Promise<Map<string, string>> {
  const folder = join(REFERENCE, 'examples');
  const untitled = (await readdir(folder)).filter((name) => !(name in TITLES));
  if (untitled.length > 0)
    throw new Error(`docs/reference/examples has ${untitled.join(', ')} without a title in docs/generate.ts`);
  const examples = await Promise.all(
    Object.entries(TITLES).map(async ([name, title]) => ({ title, yaml: await readFile(join(folder, name), 'utf8') })),
  );
  return new Map([
    [join(REFERENCE, 'pipeline.md'), referencePage(examples)],
    [join(import.meta.dirname, 'guards.md'), await guardsPage()],
    [join(REFERENCE, 'pipeline.schema.json'), `${JSON.stringify(editorSchema(), null, 2)}\n`],
    ...[...chartFiles()].map(([path, text]) => [join(CHART, path), text] as const),
  ]);
}

if (import.meta.main) {
  for (const [path, text] of await generate()) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    console.log(path);
  }
}
