/** What everybody of a side is told of its registry. Spec 6.3. */
import { decodeRegistryStatement } from "@fieldkeep/core/certificate";
import type { Entry } from "@fieldkeep/core/entry";
import { deviceOf, type Registry } from "@fieldkeep/core/registry/state";

export interface News {
  readonly code: string;
  readonly text: string;
}

/** Of a statement of somebody else that stands, and came after this device's own certificate; null where it says nothing new. */
export function newsOf(registry: Registry, entry: Entry): News | null {
  if (entry.typ !== "fieldkeep-statement") return null;
  const by = deviceOf(registry, entry.header.kid)?.name ?? "somebody";
  const statement = decodeRegistryStatement(entry.payload);
  switch (statement.kind) {
    case "renew":
      return { code: "recovery", text: `${by} put a new recovery key in force` };
    case "permit": {
      const whom = deviceOf(registry, statement.device)?.name ?? "somebody";
      const which = statement.files === null ? "any file" : `${statement.files.length} file(s)`;
      return { code: "recovery", text: `${by} lets a phone of ${whom} bring back ${which} that nobody can open` };
    }
    case "drill":
      return { code: "recovery", text: `${by} tried the recovery shares: ${statement.opened} of ${statement.files} files opened` };
    default:
      return null;
  }
}
