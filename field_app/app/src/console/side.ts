/** Who audits: what only they need is fetched when one of them opens the app. */
import type { Session } from "@fieldkeep/device/session";
import type { Overview } from "./oversight";

/** The side that somebody may audit by their roles: one, for no device has both (shared_schema/roles.json). */
export function auditedSide(session: Session): Overview["side"] | undefined {
  const { side, roles } = session.identity;
  if (side !== "oversight") return undefined;
  if (roles.includes("supervisor_perpetrator")) return "perpetrator";
  return roles.includes("supervisor_victim") ? "victim" : undefined;
}
