#!/usr/bin/env node
import { endOnSignal } from '@millrace/core/role/signals.ts';
import { limitMemory } from '../src/run/memory.ts';

endOnSignal();

// Whoever reads the output is gone (`millrace run … | head`): as at a SIGTERM, `run` stops what it started.
let gone = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!gone) process.kill(process.pid, 'SIGTERM');
  gone = true;
});

const words = process.argv.slice(2);
if (words.some((word) => /^--role(=|$)/.test(word))) limitMemory(); // before everything else is loaded
const { main } = await import('../src/program.ts');
const code = await main(words);
// Through a pipe goes what somebody reads, and no faster: what is not read yet would be lost with the process.
await Promise.all(
  [process.stdout, process.stderr].map((stream) => new Promise<void>((written) => stream.write('', () => written()))),
);
process.exit(code);
