import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MODULE = fileURLToPath(new URL('signals.ts', import.meta.url));

/** Runs a program with these signals, each sent after the line that the program says for it. */
async function ended(program: string, signals: readonly NodeJS.Signals[]): Promise<{ code: number | null; said: string }> {
  const script = `import { endOnSignal, stopOnSignal } from ${JSON.stringify(MODULE)};
    setInterval(() => {}, 1_000); // lives on
    const say = (text) => process.stdout.write(text + ';');
    ${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  let sent = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk;
    const lines = said.split(';').length - 1;
    while (sent < Math.min(lines, signals.length)) child.kill(signals[sent++]);
  });
  const [code] = await once(child, 'close');
  return { code, said };
}

test('a signal while a program starts ends it at once', async () => {
  expect(await ended(`endOnSignal(); say('begun');`, ['SIGTERM'])).toEqual({ code: 143, said: 'begun;' });
  expect(await ended(`endOnSignal(); say('begun');`, ['SIGINT'])).toEqual({ code: 130, said: 'begun;' });
});

test('the first signal asks to stop, and the program ends as it likes', async () => {
  const program = `endOnSignal(); const stop = stopOnSignal(); stop.addEventListener('abort', () => { say('drained'); process.exit(0); }); say('serving');`;
  expect(await ended(program, ['SIGTERM'])).toEqual({ code: 0, said: 'serving;drained;' });
});

test('the second signal ends at once what does not stop', async () => {
  const program = `const stop = stopOnSignal({ beforeEnd: (signal) => say('second ' + signal) }); stop.addEventListener('abort', () => say('draining')); say('serving');`;
  expect(await ended(program, ['SIGTERM', 'SIGTERM'])).toEqual({ code: 143, said: 'serving;draining;second SIGTERM;' });
  expect(await ended(program, ['SIGINT', 'SIGINT'])).toEqual({ code: 130, said: 'serving;draining;second SIGINT;' });
});
