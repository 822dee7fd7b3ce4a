import { type Fault, lacksProxies } from './fault.ts';

/** Breaks all connections of the roles to one broker, or to all of them. */
export const cutKafka: Fault = {
  name: 'cut Kafka connections',
  target: 'network',
  lacks: lacksProxies,
  async happen({ proxies }, random) {
    const all = proxies?.kafka ?? [];
    const nth = random.int(0, all.length);
    for (const proxy of nth === all.length ? all : all.slice(nth, nth + 1)) proxy.cut();
    return nth === all.length ? 'of all brokers' : `of broker ${nth + 1}`;
  },
};

/** Breaks all connections of the roles to the database, and refuses new ones for up to 3 seconds. */
export const cutDatabase: Fault = {
  name: 'cut database connections',
  target: 'network',
  lacks: lacksProxies,
  async happen({ proxies }, random) {
    const ms = random.int(0, 3_000);
    await proxies?.postgres.refuse();
    await new Promise((resolve) => setTimeout(resolve, ms)); // how long it lasts is the fault
    await proxies?.postgres.accept();
    return `for ${ms} ms`;
  },
};
