/** Thrown by a check that this cluster cannot show: it is told at the end, and never counted as shown. */
export class NotCovered extends Error {
  override name = 'NotCovered';
}
