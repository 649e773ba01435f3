/** When an export holds: the row that says that a file was written out, by two people. Spec 16.2. Tests: make/export. */
import { actHash, type Approval } from "../approval";
import { equal, hex } from "../bytes";
import { Refused } from "../errors";
import { verifies } from "../keys";
import type { Check } from "../registry/judged";
import { type Device, placeAt, type Registry } from "../registry/state";
import { type Approver, checkApproval } from "./approval";
import { mayHere } from "./judged";
import { type File, type Ids, roleIn } from "./state";

/** What is approved: what for, to whom, and up to which entry. */
export interface ExportAct {
  readonly purpose: string;
  readonly to: string;
  readonly upto: number;
}

/** A row that says it, in the entry that takes `place`; `used` are the approvals of earlier rows that hold. */
export interface ExportRow extends ExportAct {
  readonly author: Device;
  readonly place: number;
  readonly receivedMs: number;
  readonly late: boolean;
  readonly approval: Approval;
  readonly used: Ids;
}

export function exportAct({ purpose, to, upto }: ExportAct): Uint8Array {
  return actHash(new Map<string, string | number>(Object.entries({ kind: "export", purpose, to, upto })));
}

/** The number of an export: the first twelve hexadecimal digits of its approval's object id. */
export function exportNumber(approval: Approval): string {
  return hex(approval.id).slice(0, 12);
}

const notApproved = (message: string): Refused => new Refused("not-approved", message);

/**
 * Who approved. `before` is the file as it was before the entry. Every reader finds the same; of a row that does not
 * hold, which is `not-approved` here whatever is wrong, an alarm names whoever wrote it.
 */
export async function checkExport(
  registry: Registry,
  before: File,
  row: ExportRow,
  check: Check = verifies,
): Promise<Approver> {
  const { author, place, receivedMs, approval } = row;
  if (row.late || row.upto >= place) throw notApproved("a row that came late, or goes beyond what was there");
  const seq = placeAt(registry, receivedMs);
  const wanted = { registry, log: before.log.log, kind: "export", act: exportAct(row), seq, receivedMs } as const;
  const approver = await checkApproval(wanted, approval, check).catch((error: unknown) => {
    throw error instanceof Refused ? notApproved(`an approval that does not hold: ${error.code}`) : error;
  });
  if (equal(approver.user, author.user)) throw notApproved("approved by the person who writes it out");
  const roles = [roleIn(before, author.user), roleIn(before, approver.user)];
  if (roles.some((role) => !mayHere(before, "export", role)))
    throw notApproved("approved or written out by nobody who may");
  if (!roles.some((role) => mayHere(before, "lead", role))) throw notApproved("neither of the two leads such files");
  if (row.used.has(hex(approval.id))) throw notApproved("an approval that was used before");
  return approver;
}
