/** @throws Error with both, where they differ */
export function expect(what: string, found: string, wanted: string): void {
  if (found !== wanted) throw new Error(`${what}: found ${found || 'nothing'}, expected ${wanted || 'nothing'}`);
}
