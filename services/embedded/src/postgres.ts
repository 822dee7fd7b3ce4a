/** A real PostgreSQL server as a child process, for laptops and tests. */
export interface EmbeddedPostgres {
  /** postgres://user:password@127.0.0.1:port/database */
  url: string;
  pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Starts the server again after it ended, on the same port with the same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** Default: a temporary one, which stop() removes. */
  folder?: string;
  port?: number;
  config?: Record<string, string>;
}

export async function startPostgres(_options: PostgresOptions = {}): Promise<EmbeddedPostgres> {
  throw new Error('not built yet');
}
