/** A source of HTTP: who may send, and under which path. */
import type { Finding, Path } from '../problem.ts';
import type { Http } from '../source.ts';

/** Paths of the service itself. */
const OWN = /^\/(pipelines|openapi\.json)(\/|$)/;

export function checkHttp({ path: route, auth }: Http): Finding[] {
  const path: Path = ['spec', 'source', 'http'];
  const findings: Finding[] = [];
  if (auth?.secretRef === undefined && auth?.open === undefined) {
    const message = 'nothing says who may send: a source that is open to everybody must say so';
    findings.push({ path, message, allowed: 'auth.secretRef or auth.open: true' });
  }
  if (auth?.secretRef && auth.open)
    findings.push({ path: [...path, 'auth'], message: 'both secretRef and open are given', allowed: 'one of them' });
  if (route !== undefined && OWN.test(route))
    findings.push({ path: [...path, 'path'], message: `${route} is Millrace's own`, allowed: 'another path' });
  return findings;
}
