/** Which of several values is the highest. Spec 5.4, 5.7. Vectors: fold. */
import type { Json } from "../change";
import type { FieldRules } from "../record_rules";
import { isMap, markerOf } from "./markers";
import type { FoldedOp } from "./model";

const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
/** The kinds whose values are whole numbers. */
const NUMBERS: ReadonlySet<string> = new Set(["int", "minutes", "pence"]);
const YES_NO: readonly string[] = ["no", "yes"];

/** Whether a text is a day that the calendar has. */
export function isDay(text: string): boolean {
  if (!DAY.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text);
}

export function isMissing(value: Json): boolean {
  return isMap(value) && value.has("missing");
}

/** Ranks are numbers, low to high: of a day its distance in the stricter direction. */
function rankOfDay(value: Json, rules: FieldRules): number {
  if (typeof value !== "string" || !isDay(value)) return Number.POSITIVE_INFINITY;
  const ms = Date.parse(`${value}T00:00:00Z`);
  return rules.order.at(-1) === "latest" ? ms : -ms;
}

/** Of a whole number itself, or how far it lies below 0 where the lower is the stricter. */
function rankOfNumber(value: Json, rules: FieldRules): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) return Number.POSITIVE_INFINITY;
  return rules.order.at(-1) === "higher" ? value : -value;
}

function rank({ value, from }: FoldedOp, rules: FieldRules): number {
  const order = rules.order.length === 0 && rules.kind === "yn" ? YES_NO : rules.order;
  // What was removed ranks as a missing reason does, also where another op still says it.
  if (isMissing(value) || (from.stub && markerOf(value) !== undefined)) {
    const terms = rules.kind !== "date" && !NUMBERS.has(rules.kind);
    const belowTheStrictest = rules.merge === "ask" && terms && order.length > 0;
    return belowTheStrictest ? order.length - 1.5 : Number.NEGATIVE_INFINITY;
  }
  if (rules.kind === "date") return rankOfDay(value, rules);
  if (NUMBERS.has(rules.kind)) return rankOfNumber(value, rules);
  const term = typeof value === "string" ? order.indexOf(value) : -1;
  return term < 0 ? order.length : term;
}

/** Of ops in log order the one that ranks highest; of equals the later. */
export function highest(live: readonly FoldedOp[], rules: FieldRules): FoldedOp | undefined {
  let best: FoldedOp | undefined;
  let height = Number.NEGATIVE_INFINITY;
  for (const op of live) {
    const own = rank(op, rules);
    if (best === undefined || own >= height) [best, height] = [op, own];
  }
  return best;
}
