/** What was asked for is not done, and nothing was changed: all reasons at once, each a sentence. */
export class Refused extends Error {
  override name = 'Refused';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super([...problems, 'Nothing was changed.'].join('\n'));
    this.problems = problems;
  }
}
