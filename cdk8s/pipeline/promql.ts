/** Parts of PromQL that alerts and panels of a Pipeline share. */

/** Of the role that is later. @param own matchers of the Pipeline, such as `pipeline="feeds/traffic"` */
export function lagSeconds(own: string): string {
  return `max({__name__=~"millrace_(processor|sink)_lag_seconds",${own}})`;
}

/**
 * What counters counted within a window. A series that is younger than that counts with all it has: increase() knows nothing
 * of what a counter held when it was first read, and a process may have done all its work by then.
 * @param by labels that stay
 */
export function counted(selector: string, window: string, ...by: readonly string[]): string {
  const sum = by.length === 0 ? 'sum' : `sum by (${by.join(', ')}) `;
  return `${sum}((increase(${selector}[${window}]) and ${selector} offset ${window}) or ${selector})`;
}
