/** Whether a record is hidden by one of its deletions. Spec 5.3 (Deleting). Vectors: fold. */
import { equal } from "../bytes";
import type { Placed } from "./model";

const onlyDeletes = ({ change }: Placed): boolean => change.ops.every(({ action }) => action === "delete");

export function hidden(changes: readonly Placed[], deletions: readonly Placed[]): boolean {
  if (deletions.length === 0) return false;
  const others = changes.filter((placed) => !onlyDeletes(placed));
  return deletions.some((deletion) => others.every((placed) => saw(deletion, placed)));
}

const saw = (deletion: Placed, { seq, device, change }: Placed): boolean =>
  seq <= deletion.change.b || (equal(device, deletion.device) && change.c <= deletion.change.c);
