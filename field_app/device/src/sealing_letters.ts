/** A letter as it travels: signed for its address, with what certifies its sender, and sealed for a week. Spec 15.3. */
import { approval } from "@fieldkeep/core/approval";
import { json } from "@fieldkeep/core/change";
import { decodeEntry } from "@fieldkeep/core/entry";
import { Refused } from "@fieldkeep/core/errors";
import { isMap } from "@fieldkeep/core/fold/markers";
import { type Contents, encodeContents, letter as letterObject, type Parcel } from "@fieldkeep/core/letter";
import { chainOfDevice } from "@fieldkeep/core/parcel/chain";
import { room, sealParcel } from "@fieldkeep/core/parcel/seal";
import type { Desk } from "./board";
import type { Transaction } from "./rows";
import type { Session } from "./session";
import { entryRow, type Letter, OF, read } from "./stored";

type Rows = Pick<Transaction, "get">;

/** Entries of the registry, as COSE bytes. */
async function entriesAt(session: Session, rows: Rows, places: readonly number[]): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const place of places) {
    const content = await rows.get(OF.entries(session.registry.log.log), place);
    if (content !== undefined) found.push(decodeEntry(read(entryRow, content).pair).frame.bytes);
  }
  return found;
}

/** The letter, signed for an address, and what certifies this device. Refused as `bad-value` where it is too long. */
export async function signedFor(session: Session, rows: Rows, row: Letter, address: Uint8Array): Promise<Contents> {
  const { device, svc, side } = session.identity;
  const { says, id, kind } = row;
  if (says === null) throw new Refused("internal", "a letter that nobody reads back is signed once");
  const body = json(says.body);
  if (!isMap(body)) throw new Refused("internal", "a letter without a body");
  const payload = { from: side, to: address, id, kind, at: says.at, body };
  const letter = await letterObject.make({ kid: device, svc }, payload, session.key);
  const places = chainOfDevice(session.registry, device);
  const contents: Contents = {
    v: 1,
    letter,
    chain: await entriesAt(session, rows, places),
    second: says.second === null ? null : await secondOf(session, rows, says.second, places),
  };
  room(side, encodeContents(contents).length + 4);
  return contents;
}

async function secondOf(
  session: Session,
  rows: Rows,
  given: Uint8Array,
  places: readonly number[],
): Promise<NonNullable<Contents["second"]>> {
  const { kid } = approval.decode(given).header;
  const more = chainOfDevice(session.registry, kid).filter((place) => !places.includes(place));
  return { approval: given, by: await entriesAt(session, rows, more) };
}

export async function sealFor(session: Session, rows: Rows, row: Letter, to: Desk, fixed: boolean): Promise<Parcel> {
  const { svc, side } = session.identity;
  const { root } = session.registry;
  if (root === null) throw new Refused("no-service", "a registry without a root");
  const contents = await signedFor(session, rows, row, to.address);
  const bound = { svc, from: side, address: to.address, week: to.week, id: row.id, root: root.id };
  return sealParcel(bound, to.key, contents, fixed);
}
