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
process.exit(await main(words));
