/**
 * Who may be what, and who may sign what, as shared_schema/roles.json says.
 *
 * Spec 6.1, 7, 13.2, 15.4. Vectors: registry.
 */
import table from "../../../shared_schema/roles.json" with { type: "json" };
import type { Side } from "./ids";

export type Role = keyof (typeof table)["roles"];
export type FileKind = keyof (typeof table)["files"];

/** In the order of the file; `Object.keys` of a JSON table gives no narrower type by itself. */
export const ROLES = Object.keys(table.roles) as readonly Role[];
export const FILE_KINDS = Object.keys(table.files) as readonly FileKind[];

/**
 * What a role may do in a file: `members` who may be one, `genesis` … `export` who may sign or do that, `lead` who
 * leads.
 */
export type FileRight =
  "members" | "genesis" | "members_by" | "epoch" | "grant" | "admit" | "lead" | "expunge" | "hold" | "erase" | "export";

type Rights = { readonly [R in FileRight]?: readonly string[] };
type Lists = { readonly [key: string]: readonly string[] | undefined };

const FILES: { readonly [K in FileKind]: { readonly [S in Side]?: Rights } } = table.files;
const ADMINISTRATOR: Role = "administrator";

/** Whether such files exist on this side. */
export function fileExists(kind: FileKind, side: Side): boolean {
  return FILES[kind][side] !== undefined;
}

export function mayInFile(kind: FileKind, side: Side, right: FileRight, role: string): boolean {
  return FILES[kind][side]?.[right]?.includes(role) ?? false;
}

export function hasContent(role: Role): boolean {
  return table.roles[role].content;
}

export function isAdministrator(roles: readonly Role[]): boolean {
  return roles.includes(ADMINISTRATOR);
}

export function mayReinstate(side: Side, roles: readonly Role[]): boolean {
  const allowed: readonly string[] = table.reinstate[side];
  return roles.some((role) => allowed.includes(role));
}

/** The roles that may help a device with this role, or none where nobody may (spec 13.2). */
export function helpersOf(side: Side, role: Role): readonly string[] {
  const lists: Lists = table.help[side];
  return lists[role] ?? [];
}

const matches = (pattern: string, role: Role): boolean =>
  pattern === "*content*" ? hasContent(role) : pattern === role;

/** Whether one device of this side may hold these roles together. */
export function rolesAllowed(side: Side, roles: readonly Role[]): boolean {
  const sidesOf = (role: Role): readonly string[] => table.roles[role].sides;
  const sided = roles.every((role) => sidesOf(role).includes(side));
  const refused = table.combinations_refused.some((pair) =>
    pair.every((pattern) => roles.some((role) => matches(pattern, role))),
  );
  return roles.length > 0 && sided && !refused;
}
