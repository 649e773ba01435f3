/** Referrals as screens show them: whole packs at the desk of partner support, and the part of them at the other desk. Spec 15.8. */
import type { Json } from "@fieldkeep/core/change";
import { readsContent } from "@fieldkeep/core/registry/state";
import { mayInFile } from "@fieldkeep/core/roles";
import { packsIn, partOf, type Pack as DevicePack, referralsWaiting } from "@fieldkeep/device/referrals";
import type { Session } from "@fieldkeep/device/session";
import type { Values } from "@fieldkeep/device/values_in";
import { type Field, recordType, terms } from "../../forms/schema";
import { showValue } from "../../forms/show";
import { type Value, isList, isMap } from "../../forms/values";
import type { Colleague, Pack, PartLine, Referral } from "../facade";
import { fromJson, idText, toJson } from "./convert";

type Plain = Readonly<Record<string, Value>>;

const plain = (values: Values): Plain => Object.fromEntries([...values].map(([name, value]) => [name, fromJson(value)]));
const text = (value: Value | undefined): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const rows = (value: Value | undefined): readonly Plain[] => (isList(value) ? value.filter(isMap) : []);
const labelOf = (list: string, code: Value | undefined): string => terms(list).find((term) => term.code === code)?.label ?? String(code ?? "");
const fieldsOf = (type: string): readonly Field[] => recordType(type)?.fields ?? [];
const namesIn = (value: Value | undefined): string => rows(value).flatMap(({ names }) => text(names) ?? []).join(", ");

/** What only this side's app writes in a pack is no item of it. */
const OWN: ReadonlySet<string> = new Set(["split", "incomplete", "matches", "parcel", "sender", "case", "received_on", "state", "addenda", "code_version"]);

/** What stands in a pack, list by list cell by cell: each of it is given, or looked at and kept. */
function itemsOf(values: Plain): Pack["items"] {
  return fieldsOf("referral_intake").flatMap((field) => {
    if (OWN.has(field.name) || values[field.name] === undefined) return [];
    if (field.cells.length === 0) return [{ id: field.name, label: field.label }];
    const there = field.cells.filter((cell) => rows(values[field.name]).some((row) => row[cell.name] !== undefined));
    return there.map((cell) => ({ id: `${field.name}: ${cell.name}`, label: `${field.label}: ${cell.label.toLowerCase()}` }));
  });
}

/** The last answer to each question counts. */
function matchesOf(values: Plain): Pack["matches"] {
  const last = new Map(rows(values["matches"]).map((row) => [row["check"], row] as const));
  return [...last.values()].map((row) => ({ label: labelOf("match_check", row["check"]), found: row["result"] === "found", note: text(row["note"]) }));
}

function packView({ log, record, values }: DevicePack): Pack {
  const has = plain(values);
  const missing = rows(has["incomplete"]).map((row) => labelOf("completeness_item", row["item"]));
  const given = rows(has["split"]).filter((row) => row["sent"] === "yes");
  const names = namesIn(has["person_using_abuse"]);
  return {
    ...{ file: idText(log), record: idText(record.id), who: names || "Nobody named", receivedOn: text(has["received_on"]) },
    ...{ source: has["referral_source"] === undefined ? undefined : labelOf("referral_source", has["referral_source"]), harmed: rows(has["people_harmed"]).length },
    ...{ state: given.length > 0 ? ("given" as const) : missing.length > 0 ? ("incomplete" as const) : ("to look at" as const) },
    ...{ missing, matches: matchesOf(has), items: itemsOf(has), given: given.flatMap((row) => text(row["field"]) ?? []) },
    startWith: names === "" ? {} : { names: rows(has["person_using_abuse"])[0]?.["names"] ?? "" },
  };
}

export const packs = (session: Session): readonly Pack[] => packsIn(session).map(packView).reverse();

const nobody = (): undefined => undefined;

/** Exactly what goes, in words. Raises Refused for what repeats a detail of hers. */
export function partLines(session: Session, pack: DevicePack, values: Plain): readonly PartLine[] {
  const body = partOf(session, pack, bodyOf(values));
  return fieldsOf("referral").flatMap((field) => {
    const value = body.get(field.name);
    return value === undefined ? [] : [{ label: field.label, value: showValue(field, fromJson(value), nobody) }];
  });
}

export const bodyOf = (values: Plain): Values => new Map<string, Json>(Object.entries(values).map(([name, value]) => [name, toJson(value)]));

function referralView({ log, record, values }: DevicePack): Referral {
  const has = plain(values);
  const lines = fieldsOf("referral").filter(({ kind }) => kind !== "random_id" && kind !== "hash");
  return {
    ...{ file: idText(log), record: idText(record.id), who: text(has["names"]) ?? "Nobody named", receivedOn: text(has["received_on"]) },
    lines: lines.flatMap((field) => {
      const value = has[field.name];
      return value === undefined || field.name === "names" || field.name === "state" ? [] : [{ label: field.label, value: showValue(field, value, nobody) }];
    }),
  };
}

export const referrals = (session: Session): readonly Referral[] => referralsWaiting(session).map(referralView);

/** Who may be let into a case, with the role that they would have there; one line a person. */
export function colleagues(session: Session): readonly Colleague[] {
  const { side, user } = session.identity;
  const found = new Map<string, Colleague>();
  for (const device of session.registry.devices.values()) {
    if (device.revoked !== null || !readsContent(device.roles) || idText(device.user) === idText(user)) continue;
    const role = device.roles.find((one) => mayInFile("case", side, "members", one));
    if (role !== undefined) found.set(idText(device.user), { id: idText(device.user), name: device.name, role });
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}
