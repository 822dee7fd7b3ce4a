import type { RoleName } from '../platform.ts';
import { type Fault, nothing } from './fault.ts';

/** SIGKILL of one process of a role. */
export const killMember = (role: RoleName): Fault => ({
  name: `kill ${role}`,
  target: role,
  lacks: nothing,
  async happen(platform, random) {
    const nth = random.int(0, platform.pids(role).length - 1);
    await platform.kill(role, nth);
    return `number ${nth}`;
  },
});
