/** `docs/guards.md`: each guard, what it prevents, and the tests that take it out and see it happen. */
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GUARDS, type Guard } from '@millrace/core/guards.ts';

const ROOT = join(import.meta.dirname, '..');
/** Where `guardTest` may be called, and where scenarios stand that it is called with. */
const TESTS = ['services/*/src/**/*.test.ts', 'e2e/**/*.test.ts', 'e2e/scenarios/*.ts'];

/** Files, relative to the repository, whose `without:` names the guard, by guard. */
export async function testsOfGuards(): Promise<Map<Guard, string[]>> {
  const found = new Map((Object.keys(GUARDS) as Guard[]).map((guard) => [guard, [] as string[]]));
  for await (const path of glob(TESTS, { cwd: ROOT })) {
    for (const guard of guardsTakenOutIn(await readFile(join(ROOT, path), 'utf8'))) found.get(guard)?.push(path);
  }
  for (const paths of found.values()) paths.sort();
  return found;
}

/** The guards that a test's text takes out: the keys of its objects `without: { … }`. */
export function guardsTakenOutIn(text: string): Guard[] {
  const blocks = [...text.matchAll(/\bwithout: \{([\s\S]*?)\n? *\},?\n(?= *\}\)?[;,])/g)].map(([, block = '']) => block);
  return (Object.keys(GUARDS) as Guard[]).filter((guard) =>
    blocks.some((block) => new RegExp(`(^|[{\\s])'?${guard}'?: `).test(block)),
  );
}

export async function guardsPage(): Promise<string> {
  const tests = await testsOfGuards();
  const rows = Object.entries(GUARDS).map(([guard, { prevents, rule }]) => {
    const links = (tests.get(guard as Guard) ?? []).map((path) => `[${path.replace(/^.*\//, '')}](../${path})`);
    return `| \`${guard}\` | ${prevents} | ${rule} | ${links.join(', ')} |`;
  });
  return `${HEAD}\n${rows.join('\n')}\n`;
}

const HEAD = `# Guards

What keeps each row once, rule by rule (DESIGN 1.2 and 1.3; decisions are in [decisions/](decisions/README.md), traps are those
measured in kafkajs). Each line of code that does so asks \`guarded('<name>')\`, which is always true, but for tests: under \`NODE_ENV=test\` the variable
\`MILLRACE_TEST_WITHOUT=<name>[,…]\` takes guards out, and a test sees that what the guard prevents then happens. Anywhere else
a role that finds the variable set does not start.

This page is made from \`services/core/src/guards.ts\` and the tests (\`npm run docs\`); a guard without a test fails the tests.
The histories are in \`e2e/scenarios\`. Positions as a whole are also held by two random models,
\`services/sink/src/position.model.test.ts\` and \`services/core/src/kafka/resume.test.ts\`.

| guard | without it | rule | taken out by |
| --- | --- | --- | --- |`;
