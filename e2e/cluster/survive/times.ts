/** Each look is a process of kubectl. */
export const LOOK_EVERY_MS = 500;
/** A net for what hangs, not a measure. */
export const WITHIN_MS = 240_000;
