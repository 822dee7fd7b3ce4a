import { type Fault, nothing } from './fault.ts';

/** SIGKILL of the database, which recovers from its log. */
export const killDatabase: Fault = {
  name: 'kill database',
  target: 'database',
  lacks: nothing,
  async happen(platform) {
    await platform.kill('database');
    return 'started again';
  },
};
