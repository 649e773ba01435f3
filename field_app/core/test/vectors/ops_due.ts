/** Registers the operations of the topic due. */
import { hex } from "../../src/bytes";
import type { CborValue } from "../../src/cbor";
import type { Json } from "../../src/change";
import { bankHolidays } from "../../src/due/calendar";
import { hoursLeft, orderClock } from "../../src/due/clocks";
import { dateOf, DAY_MS, local, minuteOf } from "../../src/due/days";
import { due, type Said, type Values } from "../../src/due/due";
import { requestStands } from "../../src/due/requests";
import { visitStands } from "../../src/due/visits";
import { asBytes, asList, asText, struct } from "./notation";
import type { Ops } from "./runner";

function json(value: CborValue): Json {
  if (value instanceof Uint8Array) throw new Error("bytes in a value of a record");
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [asText(key), json(item)] as const));
  if (value === null || typeof value !== "object") return value;
  return asList(value).map(json);
}

function values(value: CborValue | undefined): Values {
  const made = value === undefined ? null : json(value);
  if (!(made instanceof Map)) throw new Error("values wanted");
  return made;
}

function said(row: CborValue): Said {
  const [file, record, type, author, its] = asList(row);
  const ids = { file: asBytes(file), record: asBytes(record) };
  return { ...ids, type: asText(type), author: asText(author), values: values(its) };
}

const midnight = (ms: number): number => Math.floor(local(ms) / DAY_MS) * DAY_MS;

export const ops: Ops = {
  local_time: (input) => minuteOf(local(input.number("ms"))),
  bank_holidays: (input) => [...bankHolidays(input.number("year"))].sort((a, b) => a - b).map(dateOf),
  due_items: (input) => {
    const leads = input.list("leads").map((row) => {
      const [file, lead] = asList(row);
      return [hex(asBytes(file)), asText(lead)] as const;
    });
    const [today, ahead] = [midnight(input.number("ms")), input.number("ahead")];
    const asked = { leads: new Map(leads), today, ahead, whose: input.text("whose") };
    return due(input.list("said").map(said), asked).map((one) => {
      const { day, file, record, rule, owner, what, days } = one;
      return [dateOf(day), file, record, rule, owner, what, days];
    });
  },
  order_clock: (input) => {
    const now = local(input.number("ms"));
    const clock = orderClock(values(input.value("values")), now, input.value("clock_unsure") === true);
    const at = (ms: number | undefined): string | null => (ms === undefined ? null : minuteOf(ms));
    const times = { earliest: at(clock.ends?.earliest), latest: at(clock.ends?.latest) };
    return struct({ state: clock.state, ...times, unsure: clock.unsure, hours_left: hoursLeft(clock, now) });
  },
  request_stands: (input) => {
    const { state, chases, next, on } = requestStands(values(input.value("values")), midnight(input.number("ms")));
    return struct({ state, chases, next, on: on === null ? null : dateOf(on) });
  },
  visit_stands: (input) => {
    const { state, lateMinutes } = visitStands(values(input.value("values")), local(input.number("ms")));
    return struct({ state, late_minutes: lateMinutes });
  },
};
