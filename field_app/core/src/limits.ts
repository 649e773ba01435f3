/** Limits, each with its reason in shared_schema/limits.json. Spec 12. */
import table from "../../../shared_schema/limits.json" with { type: "json" };

export function limit(name: keyof (typeof table)["limits"]): number {
  return table.limits[name].value;
}
