/** What a fold has to know of a record type. The schemas (schemas.ts) say it, and more. Spec 5.3, 5.4. */

export const MERGES = ["once", "latest", "ask", "worst", "text", "set", "append"] as const;
export type Merge = (typeof MERGES)[number];

export const WHILE_CONFLICTED = ["show_all", "strictest", "stop"] as const;
export type WhileConflicted = (typeof WHILE_CONFLICTED)[number];

export const WEIGHTS = ["quick", "evidence", "living", "ledger"] as const;
export type Weight = (typeof WEIGHTS)[number];

export interface FieldRules {
  readonly merge: Merge;
  readonly while_conflicted: WhileConflicted;
  readonly kind: string;
  /** From low to high; empty where the schema names none. */
  readonly order: readonly string[];
  readonly cells: ReadonlyMap<string, FieldRules>;
  /** The roles that write it, where they are not those of the type; null for the type's. */
  readonly write: readonly string[] | null;
}

export interface RecordRules {
  readonly version: number;
  readonly weight: Weight;
  readonly deletable: boolean;
  /** The roles that write it; empty where the schema names none. */
  readonly write: readonly string[];
  readonly fields: ReadonlyMap<string, FieldRules>;
}

export type Types = ReadonlyMap<string, RecordRules>;

/** Only these are contested: of the others no person has to decide anything (5.5). */
export const CONTESTED: ReadonlySet<Merge> = new Set<Merge>(["ask", "text", "worst"]);

/** What a signature of the creating user freezes (5.3). */
export const FREEZES: ReadonlySet<Merge> = new Set<Merge>(["once", "text", "ask", "worst", "set"]);
