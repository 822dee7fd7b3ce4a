/** How a value is read and asked for in Helm's templates (https://helm.sh/docs/chart_template_guide/). */
import { ABSENT, type Choice, type Place, PRESENT, type Ref, type Variable } from './stand.ts';

/** Of a value of the release, not of values.yaml. */
const NAMESPACE = '.Release.Namespace';

/** Go's text is JSON's, but for what JSON allows and Go does not: nothing. */
export const literal = (value: unknown): string => JSON.stringify(value);

function read({ path, optional, fallback }: Place): string {
  if (path.join('.') === 'namespace') return NAMESPACE;
  const odd = path.find((name) => !/^[A-Za-z][A-Za-z0-9]*$/.test(name));
  if (odd !== undefined) throw new Error(`the value ${path.join('.')} has the name ${odd}, which a template cannot read`);
  if (optional === 0 || fallback === undefined) return `.Values.${path.join('.')}`;
  const inner = path.slice(optional).map(literal).join(' ');
  return `(dig ${inner} ${literal(fallback)} .Values.${path.slice(0, optional).join('.')})`;
}

/** The value, as text in an expression; whole numbers as such, which Helm reads as floating ones. */
export function readRef({ place, type }: Ref): string {
  return type === 'integer' ? `(int64 ${read(place)})` : read(place);
}

/** Whether a structural value is this one. */
export function ask({ id, place }: Variable, choice: Choice): string {
  if (id.endsWith('?')) {
    const parent = place.path.slice(0, -1);
    const there = `hasKey .Values${parent.map((name) => `.${name}`).join('')} ${literal(place.path.at(-1))}`;
    if (choice === PRESENT) return there;
    if (choice === ABSENT) return `not (${there})`;
  }
  const value = read(place);
  if (choice === true) return value;
  if (choice === false) return `not ${value}`;
  return typeof choice === 'number' ? `eq (int64 ${value}) ${choice}` : `eq ${value} ${literal(choice)}`;
}

/** A literal text outside of an expression. */
export function escapeText(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}');
}

/** What a value is inside of a text that went through JSON.stringify so often. */
export function quoted(expression: string, times: number): string {
  let inner = expression;
  for (let time = 0; time < times; time += 1) inner = `(include "millrace.inJson" ${inner})`;
  return inner;
}

/** Used by `quoted`: as JSON.stringify writes it, without the quotes around. */
export const IN_JSON = `{{- define "millrace.inJson" }}{{ . | toRawJson | trimPrefix "\\"" | trimSuffix "\\"" }}{{ end }}\n`;
