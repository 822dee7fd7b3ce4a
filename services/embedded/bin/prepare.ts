/** Makes what the first start of Kafka and PostgreSQL would otherwise make: `scripts/setup` ends with it. */
import { kafkaHome } from '../src/kafkaHome.ts';
import { postgresBinaries } from '../src/postgresBinaries.ts';
import { lentUser } from '../src/postgresUser.ts';

try {
  await kafkaHome((line) => process.stderr.write(`setup: ${line}\n`));
  postgresBinaries(lentUser());
} catch (error) {
  process.stderr.write(`millrace: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
