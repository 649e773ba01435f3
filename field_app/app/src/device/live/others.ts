/** Colleagues' phones, handovers and the fund, as this phone knows them. Reading of the session. */
import { equal, hex } from "@fieldkeep/core/bytes";

import { shown } from "@fieldkeep/core/fold/show";
import { foldFund, type Ignored } from "@fieldkeep/core/ledger";
import { whomToRing } from "@fieldkeep/device/lost_phones";
import { addValues, minuteNow } from "@fieldkeep/device/values_in";
import type { Device } from "@fieldkeep/core/registry/state";
import type { OpenFile, Session } from "@fieldkeep/device/session";
import { terms } from "../../forms/schema";
import { type Value, isList, isMap } from "../../forms/values";
import type { DeviceView, FundLine, FundView, Handover, LostAnswers, OnDevice } from "../facade";
import { fromJson, idBytes, idText } from "./convert";
import { fileTitle, personName, textOf, valueOf } from "./people";
import { urgentNumbers } from "./visit";

// --- phones --------------------------------------------------------------------------------------------------------------

function standing(device: Device, now: number): DeviceView["standing"] {
  if (device.revoked !== null) return "revoked";
  if (device.suspended !== null) return "suspended";
  return device.until <= now ? "ended" : "in use";
}

export function devices(session: Session): readonly DeviceView[] {
  const { user } = session.identity;
  const all = [...session.registry.devices.values()].map((device) => ({
    id: idText(device.device), label: device.label, person: device.name, mine: equal(device.user, user), standing: standing(device, session.serverNow()), lastSeenMs: undefined,
  }));
  return all.sort((a, b) => Number(b.mine) - Number(a.mine) || a.person.localeCompare(b.person));
}

/** Files that the device was given keys of, as far as this phone has them too. */
export function onDevice(session: Session, device: Uint8Array): OnDevice {
  const files = session.ownFiles.filter(({ reading: { file } }) => file.holders.has(hex(device)));
  return { files: files.map((open) => ({ id: idText(open.log), title: fileTitle(session, open) })), unsent: undefined, ring: [...whomToRing(session).map(({ name, roles }) => ({ label: `${name}, ${roles.join(" and ").replaceAll("_", " ")}`, number: "" })), ...urgentNumbers(session)] };
}

const LOCKED: Readonly<Record<LostAnswers["locked"], string>> = { yes: "It was locked.", no: "It was not locked.", not_known: "Nobody knows whether it was locked." };

/** On the desk's record where this phone has a desk; else it stays here until whoever reported it has read it again. */
export async function putOnRecord(session: Session, device: string, { how, locked, what }: LostAnswers): Promise<void> {
  const words = `${what.trim()} ${LOCKED[locked]}`.trim();
  const desk = session.ownFiles.find(({ reading }) => reading.file.kind === "desk");
  await session.change(async (transaction) => {
    if (desk === undefined) session.alarm(transaction, null, null, "lost-phone", `tell your coordinator what you wrote about the phone that is kept out: ${words}`);
    else addValues(session, transaction, desk.log, "breach", new Map([["breach_kind", `${how}_device`], ["found_at", minuteNow(session)], ["what", words], ["device", device]]));
  });
}

// --- handovers -----------------------------------------------------------------------------------------------------------

const rowsOf = (value: Value): readonly { readonly [key: string]: Value }[] => (isList(value) ? value.filter((row) => isMap(row)) : []);
const label = (list: string, code: string): string => terms(list).find((term) => term.code === code)?.label ?? code.replaceAll("_", " ");

export function handovers(session: Session): readonly Handover[] {
  const me = idText(session.identity.user);
  return session.ownFiles.flatMap(({ log }) =>
    [...session.recordsOf(log).records.values()].flatMap((record): readonly Handover[] => {
      if (record.type !== "handover" || record.hidden || record.isVoid) return [];
      const [from, to] = [textOf(record, "from"), textOf(record, "to")];
      const done = rowsOf(fromJson(shown(record, "done").value));
      if (from === undefined || to === undefined || done.length > 0) return [];
      const accepted = rowsOf(fromJson(shown(record, "accepted").value)).some((row) => row["by"] === to);
      const left = rowsOf(fromJson(shown(record, "left_open").value)).map((row) => {
        const kind = typeof row["kind"] === "string" ? row["kind"] : "";
        const explained = row["explained"];
        return { kind, label: label("left_open", kind), count: typeof row["count"] === "number" ? row["count"] : 1, explained: typeof explained === "string" ? explained : undefined };
      });
      return [{ file: idText(log), record: idText(record.id), from: personName(session, idBytes(from)), to: personName(session, idBytes(to)), mine: to === me, accepted, left }];
    }),
  );
}

// --- money ---------------------------------------------------------------------------------------------------------------

const NO_EFFECT: Readonly<Record<Ignored["because"], string>> = {
  "no-amount": "It names no amount.", "no-device": "It names no phone.", "no-spend-id": "It names no spend.", "kind-not-known": "This app does not know what it is.",
  "not-the-fund-holder": "Only the fund holder does that.", "not-the-spender": "Somebody else spent it.", "not-that-device": "It was for another phone.",
  "beyond-unallocated": "There was not that much in the pot.", "beyond-remaining": "There was not that much left.", "beyond-disputed": "Not that much was in dispute.",
  "beyond-counted": "Not that much had counted.", "beyond-owed": "Not that much was to be paid back.", "own-claim": "Nobody decides on their own claim.", "spend-id-used": "It came a second time.", "no-such-spend": "There is no such spend.", "no-such-allowance": "There is no such allowance.",
};

export function fundView(session: Session, open: OpenFile): FundView {
  const { log } = open;
  const { changes, records } = session.recordsOf(log);
  const { remaining, spends, ignored } = foldFund(log, changes);
  const { device, user } = session.identity;
  const lines = [...records.values()].flatMap((record): readonly FundLine[] => {
    if (record.type !== "fund_line" || record.hidden || record.created === null || textOf(record, "kind") !== "spend") return [];
    const spend = textOf(record, "spend_id") ?? idText(record.id);
    const counted = spends.get(spend);
    const amount = valueOf(record, "amount");
    const dropped = ignored.find((one) => equal(one.record, record.id));
    return [{
      spend, amount: typeof amount === "number" ? amount : 0, counts: counted?.counted ?? 0, disputed: counted?.disputed ?? 0, by: personName(session, record.created.user),
      atMs: record.created.change.at, item: itemOf(session, spend), mine: equal(record.created.user, user),
      noEffect: dropped === undefined ? undefined : NO_EFFECT[dropped.because],
    }];
  });
  const own = remaining.get(idText(device)) ?? 0;
  return {
    file: idText(log), title: fileTitle(session, open), mayStillSpend: Math.max(0, own), spent: lines.filter(({ mine }) => mine).reduce((sum, { counts }) => sum + counts, 0),
    disputed: lines.reduce((sum, { disputed }) => sum + disputed, 0), until: untilOf(session, log), lines: lines.sort((a, b) => b.atMs - a.atMs),
  };
}

/** What was bought, as the case's own record says. */
function itemOf(session: Session, spend: string): string | undefined {
  for (const { log } of session.ownFiles) {
    for (const record of session.recordsOf(log).records.values()) {
      if (record.type === "spend" && (textOf(record, "spend_id") ?? idText(record.id)) === spend) return textOf(record, "item");
    }
  }
  return undefined;
}

/** The day until which the newest allowance of this device runs. */
function untilOf(session: Session, log: Uint8Array): string | undefined {
  const device = idText(session.identity.device);
  const own = [...session.recordsOf(log).records.values()].filter((record) => record.type === "allowance" && textOf(record, "device") === device);
  return own.map((record) => textOf(record, "until")).filter((until) => until !== undefined).sort().at(-1);
}


/** The case's record of a spend, by the id that the fund counts it under. */
export function findSpend(session: Session, spend: string): { readonly log: Uint8Array; readonly record: Uint8Array } | undefined {
  for (const { log } of session.ownFiles) {
    const found = [...session.recordsOf(log).records.values()].find((record) => record.type === "spend" && textOf(record, "spend_id") === spend);
    if (found !== undefined) return { log, record: found.id };
  }
  return undefined;
}
