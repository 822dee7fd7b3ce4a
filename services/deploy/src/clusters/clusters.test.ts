import { resolve } from 'node:path';
import { IMAGES } from '@millrace/cdk8s/platform/images.ts';
import { expect, test } from 'vitest';
import { CommandFailed } from '../command.ts';
import { imageFiles, imageTag } from '../imageTag.ts';
import type { Cluster, Tools } from './cluster.ts';
import { kindCluster } from './kind.ts';
import { kubelabCluster } from './kubelab.ts';
import { minikubeCluster } from './minikube.ts';
import { otherCluster } from './other.ts';

const ROOT = resolve(import.meta.dirname, '../../../..');

/** A stub of the programs: it records what they are called with, and answers as they would; what it does not know fails. */
function stubOf(answers: Readonly<Record<string, string>>): { commands: string[]; tools: Tools } {
  const commands: string[] = [];
  const run: Tools['run'] = async (words) => {
    const command = words.join(' ').replaceAll(ROOT, 'ROOT');
    commands.push(command);
    const answer = Object.entries(answers).find(([start]) => command.startsWith(start))?.[1];
    if (answer === undefined) throw new CommandFailed(`${command} ended with code 1`, 'no such thing');
    return answer;
  };
  return { commands, tools: { run, say: () => undefined, root: ROOT } };
}

const LOCAL = 'localhost/millrace/millrace:1';
const DOCKER = { 'docker build': '', 'docker push': '', 'kind load': '', 'minikube --profile dev image load': '' };

test.each<[string, (tools: Tools) => Cluster, Record<string, string>, string[]]>([
  [
    'kind: built and loaded',
    (tools) => kindCluster({ context: 'kind-dev', cluster: 'dev' }, tools),
    { ...DOCKER, 'docker images': '' },
    [`docker images --quiet ${LOCAL}`, `docker build --quiet --tag ${LOCAL} ROOT`, `kind load docker-image ${LOCAL} --name dev`],
  ],
  [
    'kind, where Docker has it: loaded only',
    (tools) => kindCluster({ context: 'kind-dev', cluster: 'dev' }, tools),
    { ...DOCKER, 'docker images': 'abc\n' },
    [`docker images --quiet ${LOCAL}`, `kind load docker-image ${LOCAL} --name dev`],
  ],
  [
    'minikube: built and loaded into the profile',
    (tools) => minikubeCluster({ context: 'dev', profile: 'dev' }, tools),
    { ...DOCKER, 'minikube --profile dev image ls': 'a:1\n', 'docker images': '' },
    [
      'minikube --profile dev image ls',
      `docker images --quiet ${LOCAL}`,
      `docker build --quiet --tag ${LOCAL} ROOT`,
      `minikube --profile dev image load ${LOCAL}`,
    ],
  ],
  [
    'minikube, where it is there: nothing more',
    (tools) => minikubeCluster({ context: 'dev', profile: 'dev' }, tools),
    { 'minikube --profile dev image ls': `a:1\n${LOCAL}\n` },
    ['minikube --profile dev image ls'],
  ],
  [
    'kubelab, where it is there: nothing more',
    (tools) => kubelabCluster({ folder: '/lab' }, tools),
    { '/lab/kubelab images': `${LOCAL}\n` },
    ['/lab/kubelab images'],
  ],
  [
    'kubelab: the base image, then ours',
    (tools) => kubelabCluster({ folder: '/lab' }, tools),
    { '/lab/kubelab images': '', '/lab/kubelab base': '', '/lab/kubelab image -t': '' },
    ['/lab/kubelab images', '/lab/kubelab base node', `/lab/kubelab image -t ${LOCAL} ROOT`],
  ],
])('%s', async (_, cluster, answers, expected) => {
  const { commands, tools } = stubOf(answers);
  const one = cluster(tools);
  expect(one.imageName('1')).toBe(LOCAL);
  await one.bring(LOCAL);
  expect(commands).toEqual(expected);
});

test('the stand-ins that are missing on a kubelab are built in one call, those that are there are not', async () => {
  const there = [IMAGES.kafka.image, IMAGES.prometheus.image].join('\n');
  const { commands, tools } = stubOf({ '/lab/kubelab status': '', '/lab/kubelab images': there, '/lab/standins/build': '' });
  await kubelabCluster({ folder: '/lab' }, tools).ready();
  expect(commands).toEqual([
    '/lab/kubelab status',
    '/lab/kubelab images',
    `/lab/kubelab load ${IMAGES.database.image}`,
    `/lab/kubelab load ${IMAGES.alertmanager.image}`,
    `/lab/kubelab load ${IMAGES.mosquitto.image}`,
    '/lab/standins/build timescaledb alertmanager mosquitto',
  ]);
});

test('a stand-in that was built before is loaded, not built again', async () => {
  const { commands, tools } = stubOf({ '/lab/kubelab status': '', '/lab/kubelab images': '', '/lab/kubelab load': '' });
  await kubelabCluster({ folder: '/lab' }, tools).ready();
  expect(commands.some((command) => command.includes('standins/build'))).toBe(false);
});

test('any other cluster gets the image through the registry, once', async () => {
  const image = 'ghcr.io/me/millrace:1';
  const at = (tools: Tools) => otherCluster({ context: 'prod', registry: 'ghcr.io/me' }, tools);
  const fresh = stubOf({ ...DOCKER, 'docker images': '' });
  expect(at(fresh.tools).imageName('1')).toBe(image);
  await at(fresh.tools).bring(image);
  expect(fresh.commands).toEqual([
    `docker manifest inspect ${image}`,
    `docker images --quiet ${image}`,
    `docker build --quiet --tag ${image} ROOT`,
    `docker push --quiet ${image}`,
  ]);
  const again = stubOf({ 'docker manifest': '{}' });
  await at(again.tools).bring(image);
  expect(again.commands).toEqual([`docker manifest inspect ${image}`]);
});

test('an image that no node could pull is refused before anything is built', () => {
  const { commands, tools } = stubOf({});
  expect(() => otherCluster({ context: 'prod', registry: null }, tools).imageName('1')).toThrow(/prod.*IMAGE_REGISTRY.*IMAGE/);
  expect(commands).toEqual([]);
});

test('a build that fails is told, and nothing is loaded', async () => {
  const { commands, tools } = stubOf({ 'docker images': '' });
  await expect(kindCluster({ context: 'kind-a', cluster: 'a' }, tools).bring(LOCAL)).rejects.toThrow(/docker build/);
  expect(commands.some((command) => command.startsWith('kind load'))).toBe(false);
});

test('every command goes to the cluster that was found, whatever the current context becomes', () => {
  const { tools } = stubOf({});
  for (const cluster of [
    kindCluster({ context: 'c', cluster: 'x' }, tools),
    minikubeCluster({ context: 'c', profile: 'c' }, tools),
    otherCluster({ context: 'c', registry: null }, tools),
  ])
    expect(cluster.kubectl).toEqual(['kubectl', '--context', 'c']);
});

test('the tag is of what is in the image, and of nothing else', () => {
  const files = imageFiles(ROOT);
  expect(files).toEqual(
    expect.arrayContaining(['Dockerfile', 'package-lock.json', 'services/sink/src/role.ts', 'scripts/bundle.ts']),
  );
  expect(files.filter((file) => /\.test\.ts$|node_modules|^docs|^services\/deploy\/src|^e2e\/cluster/.test(file))).toEqual([]);
  expect(imageTag(ROOT)).toMatch(/^[0-9a-f]{12}$/);
  expect(imageTag(ROOT)).toBe(imageTag(ROOT));
});
