#!/usr/bin/env node
import { main } from '../src/program.ts';

// Whoever reads the output is gone (`millrace run … | head`): as at a SIGTERM, `run` stops what it started.
let gone = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  if (!gone) process.kill(process.pid, 'SIGTERM');
  gone = true;
});

process.exit(await main(process.argv.slice(2)));
