/** A process that starts a server on a folder, says its process id and waits to be killed: `node holder.ts kafka|postgres [FOLDER]`. */
import { startKafka } from '../kafka.ts';
import { startPostgres } from '../postgres.ts';

const [kind, folder] = process.argv.slice(2);
const options = folder === undefined ? {} : { folder };
const pid = kind === 'kafka' ? (await startKafka(options)).nodes[0]?.pid : (await startPostgres(options)).pid;
process.stdout.write(`${pid}\n`);
setInterval(() => undefined, 60_000);
