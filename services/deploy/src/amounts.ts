/** Quantities of Kubernetes as numbers, and what pods ask for of them. Pure. */

/** Cores and bytes. */
export interface Amounts {
  cpu: number;
  memory: number;
}

const UNITS: Record<string, number> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** In cores or bytes. @throws Error for what is no quantity */
export function amountOf(quantity: string): number {
  const [, number, unit = ''] = /^([0-9.]+(?:[eE][0-9]+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  const factor = UNITS[unit];
  if (number === undefined || factor === undefined) throw new Error(`${JSON.stringify(quantity)} is no quantity of Kubernetes`);
  return Number(number) * factor;
}

export interface PodSpec {
  containers: { name?: string; resources?: { requests?: Record<string, string>; limits?: Record<string, string> } }[];
}

/** Of all containers of a pod; what is not said is nothing. */
export function askedBy({ containers }: PodSpec, what: 'requests' | 'limits' = 'requests'): Amounts {
  const of = (name: string) => containers.reduce((sum, { resources }) => sum + amountOf(resources?.[what]?.[name] ?? '0'), 0);
  return { cpu: of('cpu'), memory: of('memory') };
}

export function plus(a: Amounts, b: Amounts, times = 1): Amounts {
  return { cpu: a.cpu + b.cpu * times, memory: a.memory + b.memory * times };
}

/** For people: `1.5 cores`, `640 MiB`. */
export const cores = (cpu: number): string => `${Number(cpu.toFixed(2))} cores`;
export const mebibytes = (memory: number): string => `${Math.round(memory / 2 ** 20)} MiB`;
