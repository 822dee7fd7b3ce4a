/** What `make deploy` and its siblings are told: variables of the environment, where `make` puts those of its command line. Pure. */
import { Refused } from './refused.ts';

export interface Options {
  /** Files with kubeconfigs, as kubectl takes them; null: its default. */
  kubeconfig: string | null;
  context: string | null;
  /** Folder of kubelab, which is taken without asking for another cluster. */
  kubelab: string | null;
  /** null: that of the values. */
  namespace: string | null;
  /** File; null: the defaults, and what the cluster needs otherwise. */
  values: string | null;
  /** Files; null: the examples. */
  pipelines: string[] | null;
  /** Files of the device registry, taken over once the platform is there; null: that of the examples. */
  devices: string[] | null;
  /** Taken as it is; null: built from this checkout. */
  image: string | null;
  /** Where an image that was built is pushed to. */
  registry: string | null;
  /** undeploy: volumes, Secrets and our namespace as well. */
  purge: boolean;
  /** logs: of this role, and of this Pipeline only. */
  role: string | null;
  pipeline: string | null;
  follow: boolean;
}

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/;
const IMAGE = /^[a-z0-9][a-z0-9.:/_-]*:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const REGISTRY = /^[a-z0-9][a-z0-9.-]*(:\d{1,5})?(\/[a-z0-9._-]+)*$/;

/** @throws Refused naming each variable that cannot be meant, its value and what is allowed */
export function optionsFrom(env: NodeJS.ProcessEnv): Options {
  const problems: string[] = [];
  const text = (name: string): string | null => (env[name] === undefined || env[name] === '' ? null : env[name]);
  const shaped = (name: string, shape: RegExp, allowed: string): string | null => {
    const value = text(name);
    if (value !== null && !shape.test(value)) problems.push(`${name} is ${JSON.stringify(value)}; allowed is ${allowed}`);
    return value;
  };
  const flag = (name: string, otherwise: boolean): boolean => {
    const value = text(name);
    if (value !== null && value !== '0' && value !== '1') problems.push(`${name} is ${JSON.stringify(value)}; allowed is 1 or 0`);
    return value === null ? otherwise : value === '1';
  };
  const options: Options = {
    kubeconfig: text('KUBECONFIG'),
    context: text('CONTEXT'),
    kubelab: text('KUBELAB'),
    namespace: shaped('NAMESPACE', NAMESPACE, 'a name of Kubernetes: lower-case letters, digits and -, at most 40 long'),
    values: text('VALUES'),
    pipelines: text('PIPELINES')?.trim().split(/\s+/) ?? null,
    devices: text('REGISTRY')?.trim().split(/\s+/) ?? null,
    image: shaped('IMAGE', IMAGE, 'an image with a tag that stays what it is, such as docker.io/millrace/millrace:0.1.0'),
    registry: shaped('IMAGE_REGISTRY', REGISTRY, 'a host and a path without a tag, such as ghcr.io/somebody'),
    purge: flag('PURGE', false),
    role: text('ROLE'),
    pipeline: text('PIPELINE'),
    follow: flag('FOLLOW', true),
  };
  if (options.kubelab !== null && (options.context !== null || options.kubeconfig !== null))
    problems.push('KUBELAB and KUBECONFIG or CONTEXT name two clusters; give one of them');
  if (options.image !== null && options.registry !== null)
    problems.push('IMAGE is an image that is there, IMAGE_REGISTRY where a new one is pushed to; give one of them');
  if (problems.length > 0) throw new Refused(problems);
  return options;
}
