/** Visits of today in all files, and those from which somebody is not back (docs/spec.md §5.10). Reading of the session. */
import { equal } from "@fieldkeep/core/bytes";
import { DAY_MS, spanOf } from "@fieldkeep/core/due/days";
import { visitStands } from "@fieldkeep/core/due/visits";
import { isList } from "@fieldkeep/core/fold/markers";
import type { FoldedRecord } from "@fieldkeep/core/fold/model";
import { fittingValues, standing, ukTime } from "@fieldkeep/device/agenda";
import type { Session } from "@fieldkeep/device/session";
import { type When, isWhen } from "../../forms/values";
import type { Visiting } from "../facade";
import { idBytes, idText } from "./convert";
import { fileTitle, personName, valueOf } from "./people";
import { planned } from "./visit";

function timeOf(record: FoldedRecord, field: string): When | undefined {
  const value = valueOf(record, field);
  return isWhen(value) ? value : undefined;
}

export function visitsOf(session: Session): readonly Visiting[] {
  const now = ukTime(session);
  const me = idText(session.identity.user);
  const isToday = (at: number | undefined): boolean => at !== undefined && Math.floor(at / DAY_MS) === Math.floor(now / DAY_MS);
  const found = session.ownFiles.flatMap((open) =>
    standing(session, open.log, "visit_plan").flatMap((record): readonly { readonly visit: Visiting; readonly at: number }[] => {
      const values = fittingValues(session.schemas, record);
      const { state } = visitStands(values, now);
      const [start, back] = [spanOf(values.get("start"))?.first, spanOf(values.get("due_back"))?.first];
      const overdue = state === "overdue";
      if (state === "back" || (!overdue && !isToday(start) && !isToday(back))) return [];
      const [said, going] = [values.get("buddy"), values.get("visitors") ?? null];
      const buddy = typeof said === "string" ? said : undefined;
      const visitors = isList(going) ? going.filter((one) => typeof one === "string") : [];
      const written = record.created !== null && equal(record.created.user, session.identity.user);
      const visit: Visiting = {
        file: idText(open.log), record: idText(record.id), title: fileTitle(session, open), mine: visitors.length === 0 ? written : visitors.includes(me),
        start: timeOf(record, "start"), dueBack: timeOf(record, "due_back"), buddy: buddy === undefined ? undefined : personName(session, idBytes(buddy)),
        iAmBuddy: buddy === me, visitors: visitors.map((one) => personName(session, idBytes(one))), overdue, ...planned(session, record),
      };
      return [{ visit, at: start ?? 0 }];
    }),
  );
  const mine = found.filter(({ visit }) => visit.mine || visit.iAmBuddy || visit.overdue);
  return mine.sort((a, b) => Number(b.visit.overdue) - Number(a.visit.overdue) || a.at - b.at).map(({ visit }) => visit);
}
