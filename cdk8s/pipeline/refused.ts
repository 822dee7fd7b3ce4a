/** A Pipeline that is right in itself and cannot run in a cluster as it is; the message is for its author. */
export class RenderRefused extends Error {
  override name = 'SpecError';
}
