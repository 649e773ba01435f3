/** What everybody of a side is told of its registry. Spec 6.3, 9.7. */
import { decodeRegistryStatement } from "@fieldkeep/core/certificate";
import type { Entry } from "@fieldkeep/core/entry";
import { deviceOf, type Registry } from "@fieldkeep/core/registry/state";

export interface News {
  readonly code: string;
  readonly text: string;
}

const CAME_BACK =
  "the service came back from an older copy: this phone gives back what it has. If nobody told you, ring your coordinator";
const LEFT = "what has not come back stays on the phones that have it";

/**
 * Of a statement of somebody else that stands, and came after this device's own certificate; null where it says
 * nothing new.
 */
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
      return {
        code: "recovery",
        text: `${by} tried the recovery shares: ${statement.opened} of ${statement.files} files opened`,
      };
    case "cover_traffic":
      return { code: "cover-traffic", text: coverNews(by, statement.hour) };
    case "restore":
      return { code: "restored", text: `${by} declared that ${CAME_BACK}` };
    case "healed":
      return { code: "restored", text: `${by} ended the waiting for what the service had lost: ${LEFT}` };
    default:
      return null;
  }
}

function coverNews(by: string, hour: number | null): string {
  if (hour === null)
    return `${by} turned cover traffic off: what you write goes when this phone syncs, and the time shows`;
  const at = `${String(hour).padStart(2, "0")}:00 UTC`;
  return `${by} turned cover traffic on: what you write goes once a day, from ${at}; urgent alerts go at once`;
}
