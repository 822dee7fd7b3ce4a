/** Removes what prepare.ts and embedded servers made: `scripts/clean` begins with it. */
import { clearFolder } from '../src/clear.ts';
import { millraceHome } from '../src/home.ts';
import { removeCopy } from '../src/postgresBinaries.ts';

try {
  await clearFolder(millraceHome());
  removeCopy();
} catch (error) {
  process.stderr.write(`millrace: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
