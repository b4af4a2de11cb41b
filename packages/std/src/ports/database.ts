/** One embedded relational database (SQLite) as a port: the agent's local state. Integers above 2^53 are an error, never rounded. */
export type SqlValue = string | number | bigint | null | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface Database extends Disposable {
  /** Runs statements without parameters, for schema changes. */
  execute(sql: string): void;
  /** Rows changed. */
  run(sql: string, ...parameters: readonly SqlValue[]): number;
  all(sql: string, ...parameters: readonly SqlValue[]): SqlRow[];
  /** BEGIN IMMEDIATE … COMMIT; rolled back when `body` throws. Not nested. */
  transaction<T>(body: () => T): T;
}

export interface Databases {
  /** Opens or makes the file; ':memory:' makes a private one. Durable at commit (synchronous=FULL, WAL on local disks). */
  open(path: string): Database;
}
