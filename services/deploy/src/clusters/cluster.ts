/** A kind of cluster: how it is spoken to, and how an image that was built here gets into it. */
import type { run } from '../command.ts';

export interface Cluster {
  /** For people, in a sentence: `the kind cluster dev (context kind-dev)`. */
  name: string;
  /** The words before kubectl's own. */
  kubectl: readonly string[];
  /** What a platform needs there that the defaults do not have, where no values file says. */
  values: object;
  /** Makes it ready to be asked. */
  ready(): Promise<void>;
  /** What an image of this tag is called there. @throws Refused where none can be brought in */
  imageName(tag: string): string;
  /** Builds the image of this checkout and brings it in under that name; what is there is not made again. */
  bring(image: string): Promise<void>;
}

/** What it is done with; tests record it. */
export interface Tools {
  run: typeof run;
  say(line: string): void;
  /** Of the checkout. */
  root: string;
}

/** Local names: no registry is asked for them. */
export const LOCAL_IMAGE = 'localhost/millrace/millrace';

export const QUESTION_MS = 60_000;
export const BUILD_MS = 1_500_000;
