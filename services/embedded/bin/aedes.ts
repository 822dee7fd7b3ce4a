/**
 * The MQTT broker Aedes as a process of its own: `aedes.ts <port>`, on 127.0.0.1 only. For a demo where there is no Mosquitto: it
 * speaks MQTT 3.1.1, and sessions and what waits for them end with it.
 */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';

const port = Number(process.argv[2]);
const broker = await Aedes.createBroker();
const server = createServer(broker.handle);
server.listen(port, '127.0.0.1', () => process.stdout.write('listening\n'));
process.once('SIGTERM', () => {
  server.close();
  broker.close(() => process.exit(0));
});
