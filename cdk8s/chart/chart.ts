/**
 * The Helm chart, from the very functions that make the objects (docs/decisions/0028): one template per part of the
 * platform, and around them what is the chart's own.
 */
import { readFileSync } from 'node:fs';
import type { Manifest } from '../constructs/manifest.ts';
import { crdObjects } from '../crd/crd.ts';
import { draftPart, PARTS } from '../platform/platform.ts';
import type { Values } from '../platform/values.ts';
import { explore } from './explore.ts';
import { IN_JSON, literal } from './expression.ts';
import { mergeObjects } from './merge.ts';
import { NOTES } from './notes.ts';
import { helmSchema, NAMESPACE, VALUES } from './schema.ts';
import { valuesFile } from './valuesFile.ts';
import { write } from './write.ts';

const GENERATED = '{{- /* Made by `npm run docs` from cdk8s/: change it there. */ -}}\n';

/** Every file of the chart by its path in it. Pure but for the version. */
export function chartFiles(): Map<string, string> {
  const parts = [
    template('crd', crdObjects),
    ...PARTS.map((part) => template(part.add.name, (values) => draftPart(part, values))),
  ];
  const files = [
    ['Chart.yaml', chartYaml()],
    ['values.yaml', valuesFile()],
    ['values.schema.json', `${JSON.stringify(helmSchema(), null, 2)}\n`],
    ['templates/NOTES.txt', NOTES],
    ['templates/_texts.tpl', [GENERATED + IN_JSON, ...parts.map(({ texts }) => texts)].filter((text) => text !== '').join('\n')],
    ['templates/namespace.yaml', namespaceCheck()],
    ...parts.map(({ name, objects }) => [`templates/${name}.yaml`, GENERATED + objects]),
  ] as [string, string][];
  const twice = files.find(([path], index) => files.findIndex(([other]) => other === path) !== index);
  if (twice) throw new Error(`two parts of the platform are called ${twice[0]}: a part's function has a name of its own`);
  return new Map(files);
}

function template(name: string, build: (values: Values) => Manifest[]): { name: string; objects: string; texts: string } {
  const { runs, variables, refs } = explore(name, VALUES, build);
  return { name, ...write(name, mergeObjects(runs, variables), refs) };
}

function chartYaml(): string {
  const { version, description } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return `apiVersion: v2
name: millrace
description: ${JSON.stringify(description)}
type: application
version: ${version}
appVersion: ${JSON.stringify(version)}
# PodDisruptionBudgets say what becomes of pods that are not ready.
kubeVersion: ">=1.27.0-0"
keywords: [kafka, timescaledb, sensors]
`;
}

/** What the value `namespace` may be, asked of the release's. */
function namespaceCheck(): string {
  const { helm, patternErrorMessage } = VALUES.properties?.[NAMESPACE] ?? {};
  if (!helm?.not || patternErrorMessage === undefined) throw new Error('the value namespace has no pattern for Helm');
  const bad = [`(not (regexMatch ${literal(helm.pattern)} .))`, `(regexMatch ${literal(helm.not.pattern)} .)`];
  return `${GENERATED}{{- with .Release.Namespace }}
{{- if or ${bad.join(' ')} }}
{{- fail (printf ${literal(`the namespace %q is not allowed; allowed is ${patternErrorMessage}`)} .) }}
{{- end }}
{{- if ne . ($.Values.namespace | default .) }}
{{- fail (printf "the value namespace is %q, and the release's is %q: leave it out, or give helm --namespace" $.Values.namespace .) }}
{{- end }}
{{- end }}
`;
}
