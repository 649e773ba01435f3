/** What the console knows of the side that its supervisor audits: plain data, made of what this computer verified itself. */

export interface Finding {
  readonly text: string;
  /** The row that it is about, where it is about one. */
  readonly row: number | undefined;
}

/** One event of the audit log, in words. */
export interface Row {
  readonly n: number;
  readonly ms: number;
  /** Whether the event itself says when; otherwise it is the time of the one before. */
  readonly timed: boolean;
  readonly person: string;
  readonly device: string;
  readonly act: string;
  readonly file: string;
  /** Which places of the file, and why something was not taken. */
  readonly detail: string;
}

export type Standing = "in use" | "suspended" | "revoked" | "wiped";

/** What a device said of itself when the service last heard it: its own word, which nobody signed. */
export interface Said {
  readonly heardMs: number;
  /** What was still on it alone when that sync had ended. */
  readonly unsent: number;
  readonly conflicts: number;
  readonly oldestConflictDays: number;
  /** How far its clock is ahead, below nought behind; nothing where it does not say. */
  readonly clockMs: number | undefined;
  readonly app: string;
}

export interface DeviceRow {
  readonly id: string;
  readonly person: string;
  readonly device: string;
  readonly roles: readonly string[];
  readonly standing: Standing;
  readonly untilMs: number;
  readonly heardMs: number | undefined;
  readonly wroteMs: number | undefined;
  readonly waiting: number;
  readonly waitingSinceMs: number | undefined;
  readonly held: number;
  readonly refused: number;
  /** Nothing where this computer was not told, or the device has never synced. */
  readonly said: Said | undefined;
  /** The newest audit tree that it had verified when it last wrote; nothing where it has seen none. */
  readonly treeSeen: number | undefined;
}

export interface HeldRow {
  readonly person: string;
  readonly device: string;
  readonly file: string;
  readonly sinceMs: number;
  readonly row: number;
}

/** One bar each. */
export interface Chart {
  readonly title: string;
  readonly says: string;
  readonly of: string;
  /** What is counted; entries where it is not said. */
  readonly what?: string;
  readonly bars: readonly { readonly label: string; readonly count: number }[];
}

export interface Overview {
  readonly side: "perpetrator" | "victim";
  /** "wrong" where the newest check found something; "never" where there was none yet. */
  readonly state: "never" | "verified" | "wrong";
  readonly checkedMs: number | undefined;
  /** How far the tree was verified last, and when. */
  readonly size: number;
  readonly verifiedMs: number | undefined;
  readonly witnesses: number;
  readonly logs: number;
  readonly entries: number;
  readonly findings: readonly Finding[];
  readonly notices: readonly Finding[];
  readonly devices: readonly DeviceRow[];
  readonly held: readonly HeldRow[];
  readonly rotations: readonly string[];
  readonly rows: readonly Row[];
  readonly charts: readonly Chart[];
  /** When this computer was last told what devices say of themselves. */
  readonly saidMs: number | undefined;
  /** While a check is under way. */
  readonly checking: { readonly done: number; readonly of: number } | undefined;
}

/** That an event is in the signed tree: computed here, from every other event. */
export interface Proof {
  readonly n: number;
  readonly size: number;
  readonly leaf: string;
  readonly root: string;
  readonly path: readonly string[];
  readonly holds: boolean;
}

export interface Oversight {
  subscribe(listener: () => void): () => void;
  overview(): Promise<Overview>;
  /** Fetches what is new; `whole`: everything anew, held against what was kept. Raises Trouble. */
  check(whole: boolean): Promise<void>;
  proof(n: number): Promise<Proof>;
  /** The export file of docs/spec.md §10.3, in pieces. */
  bundle(): Promise<readonly string[]>;
}
