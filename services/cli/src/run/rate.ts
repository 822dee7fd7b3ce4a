/** Over how long a rate is taken: long enough to be steady, short enough to show what happens now. */
const WINDOW_MS = 5_000;

/** Says how fast a counter grows, per second over the last few seconds; give it the counter each time it is seen. */
export function rateMeter(): (value: number, atMs: number) => number {
  const seen: { value: number; atMs: number }[] = [];
  return (value, atMs) => {
    seen.push({ value, atMs });
    // The oldest kept one is the youngest outside of the window.
    while (seen[1] !== undefined && atMs - seen[1].atMs >= WINDOW_MS) seen.shift();
    const [oldest] = seen;
    if (!oldest || atMs === oldest.atMs) return 0;
    return Math.max(0, ((value - oldest.value) * 1_000) / (atMs - oldest.atMs));
  };
}
