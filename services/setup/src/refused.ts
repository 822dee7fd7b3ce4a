/** What set-up says about a Pipeline, in the form of Kubernetes conditions. */
export interface Condition {
  type: 'TopicsReady' | 'SchemaReady';
  status: 'True' | 'False';
  /** One word for programs, such as `NameConflict`. */
  reason: string;
  /** For people: what is, what was asked for, and the way out. */
  message: string;
}

/** Thrown where the spec asks for what cannot be done: trying again will not help, a person must change something. */
export class SetupRefused extends Error {
  override name = 'SetupRefused';
  readonly condition: Condition;

  constructor(type: Condition['type'], reason: string, message: string) {
    super(message);
    this.condition = { type, status: 'False', reason, message };
  }
}

/** The way out wherever stored columns would have to change (DESIGN section 2: names and types are immutable). */
export const NEW_TABLE = 'Columns that are stored keep their name and type: set spec.table.name to a new table, and backfill it';
