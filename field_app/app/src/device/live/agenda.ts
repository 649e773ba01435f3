/** What is due in all files, and the orders that run, as a screen has them (docs/spec.md §5.10). Reading of the session. */
import { hoursLeft, orderClock } from "@fieldkeep/core/due/clocks";
import { dateOf, minuteOf, NEVER } from "@fieldkeep/core/due/days";
import { type Due, groupOf } from "@fieldkeep/core/due/due";
import { requestStands } from "@fieldkeep/core/due/requests";
import { roleIn } from "@fieldkeep/core/membership/state";
import { dueItems, fittingValues, standing, ukTime, ukToday } from "@fieldkeep/device/agenda";
import type { OpenFile, Session } from "@fieldkeep/device/session";
import { recordIn } from "@fieldkeep/device/writing";
import { terms } from "../../forms/schema";
import type { DueItem, OrderRuns, RequestStands } from "../facade";
import { idBytes, idText } from "./convert";
import { isOpen } from "./lists";
import { fileTitle, personName, textOf } from "./people";

/** So many days ahead a screen shows what comes. */
const AHEAD = 31;

export const dueView = (session: Session, everybodys: boolean): readonly DueItem[] =>
  dueItems(session, AHEAD, everybodys).map((one) => itemView(session, one));

function itemView(session: Session, one: Due): DueItem {
  const open = session.file(one.file);
  const record = recordIn(session, one.file, one.record);
  const mine = one.owner === idText(session.identity.user);
  return {
    file: idText(one.file), record: idText(one.record), title: fileTitle(session, open), rule: one.rule, what: one.what, day: dateOf(one.day), days: one.days,
    group: groupOf(one), mine, owner: mine ? session.identity.name : nameOf(session, one.owner), doNotRaise: textOf(record, "do_not_raise") === "yes",
    task: record.type === "task" && mayFinish(session, open) ? (textOf(record, "task_state") ?? "open") : undefined,
    request: record.type === "information_request" ? requestView(session, one) : undefined,
  };
}

function nameOf(session: Session, owner: string): string {
  try {
    return personName(session, idBytes(owner));
  } catch {
    return "Somebody"; // anybody can write any text there
  }
}

function mayFinish(session: Session, open: OpenFile): boolean {
  const role = roleIn(open.reading.file, session.identity.user);
  return isOpen(session, open) && role !== null && (session.schemas.types.get("task")?.write.some((one) => one === role) ?? false);
}

function requestView(session: Session, one: Due): RequestStands {
  const { on, ...stands } = requestStands(fittingValues(session.schemas, recordIn(session, one.file, one.record)), ukToday(session));
  return { ...stands, on: on === null ? undefined : dateOf(on) };
}

const CLOCK_OFF_MS = 120_000;

/** The orders that have not ended, the one that ends next first. */
export function ordersView(session: Session): readonly OrderRuns[] {
  const now = ukTime(session);
  const off = Math.abs(session.state.clock_offset) > CLOCK_OFF_MS;
  const found = session.ownFiles.flatMap((open) =>
    standing(session, open.log, "legal_order").map((record) => {
      const clock = orderClock(fittingValues(session.schemas, record), now, off);
      const kind = textOf(record, "kind");
      const order: OrderRuns = {
        file: idText(open.log), record: idText(record.id), title: fileTitle(session, open), state: clock.state, unsure: clock.unsure,
        kind: terms("order_kind").find(({ code }) => code === kind)?.label ?? "Order", hoursLeft: hoursLeft(clock, now) ?? undefined,
        earliest: clock.ends === undefined ? undefined : minuteOf(clock.ends.earliest), latest: clock.ends === undefined ? undefined : minuteOf(clock.ends.latest),
        doNotRaise: textOf(record, "do_not_raise") === "yes",
      };
      return { order, at: clock.ends?.earliest ?? NEVER };
    }),
  );
  return found.filter(({ order }) => order.state !== "ended").sort((a, b) => a.at - b.at).map(({ order }) => order);
}
