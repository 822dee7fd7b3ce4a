import { describe, expect, test } from 'vitest';
import { goTool } from '../scripts/goTools.ts';
import { criticals, isMeant, MEANT } from './kubeScore.ts';
import { sampleManifests } from './samples.ts';

/** The first time it is built. */
const tool = goTool('kube-score');
const samples = await sampleManifests();

describe.skipIf(tool === null)('kube-score (needs Go)', () => {
  const score = (name: string) => criticals(tool ?? '', samples.get(name) ?? []);

  test.each([...samples.keys()])('%s: nothing critical but what is meant so', (name) => {
    expect(score(name).filter((one) => !isMeant(one))).toEqual([]);
  });

  test('nothing is listed as meant that is no longer there', () => {
    const all = criticals(tool ?? '', [...samples.values()].flat());
    for (const { check, object } of MEANT)
      expect(all.filter((one) => one.check === check && object.test(one.object)).length, check).toBeGreaterThan(0);
  });

  test('a container without limits is found', () => {
    const [found] = (samples.get('platform, default') ?? []).filter(({ kind }) => kind === 'StatefulSet');
    const text = JSON.stringify(found).replace(/"limits":\{[^}]*\},?/g, '');
    const checks = criticals(tool ?? '', [JSON.parse(text)]).map(({ check }) => check);
    expect(checks).toContain('container-resources');
  });
});
