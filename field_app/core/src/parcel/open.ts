/** Opening a parcel: what a reader demands before it takes a letter. Spec 15.4. Vectors: parcel/letters, parcel/saying. */
import { equal } from "../bytes";
import { verifyFrame } from "../cose";
import { Refused } from "../errors";
import { H } from "../hash";
import { serverKeyId, type Side } from "../ids";
import { letter, type Letter, type Parcel, type Pass, pass } from "../letter";
import type { FileKind } from "../roles";
import { addressOf, weeklySeed } from "./address";
import { certified, type Sender } from "./chain";
import { maySend, otherSide } from "./rights";
import { openContents } from "./seal";
import { checkSecond } from "./second";

const malformed = (message: string): Refused => new Refused("malformed", message);

/** A file that can receive, as its device has it: `secrets` are `[epoch, secret]`, the newest first. */
export interface Reader {
  readonly svc: Uint8Array;
  readonly side: Side;
  readonly log: Uint8Array;
  readonly file: FileKind;
  readonly secrets: readonly (readonly [epoch: number, secret: Uint8Array])[];
  readonly pinned: Uint8Array;
}

export interface OpenedLetter {
  readonly letter: Letter["payload"];
  readonly sender: Sender;
  /** Who approved it, of a letter that takes two people. */
  readonly second: Sender | null;
  readonly passedMs: number;
}

function checkPass({ header, payload }: Pass, parcel: Parcel, svc: Uint8Array, receipt: Uint8Array): void {
  if (!equal(header.svc, svc)) throw malformed("a pass of another service");
  if (!equal(header.kid, serverKeyId(receipt))) throw malformed("a pass under another key's id than the receipt key's");
  const same = equal(payload.address, parcel.address) && payload.week === parcel.week && equal(payload.id, parcel.id);
  if (!same || !equal(payload.hash, H(parcel.sealed))) throw malformed("a pass of another parcel");
}

function checkLetter({ header, payload }: Letter, parcel: Parcel, { svc, side }: Reader, sender: Sender): void {
  if (!equal(header.svc, svc)) throw malformed("a letter of another service");
  if (!equal(header.kid, sender.device)) throw malformed("a letter by another device than the chain certifies");
  if (payload.from !== otherSide(side)) throw malformed("a letter from the reader's own side");
  if (!equal(payload.to, parcel.address) || !equal(payload.id, parcel.id))
    throw malformed("a letter of another parcel");
}

/** The body's fields are for `checkBody` (letter_body.ts). */
export async function openParcel(reader: Reader, parcel: Parcel, passBytes: Uint8Array): Promise<OpenedLetter> {
  const { svc, side, log, file, secrets, pinned } = reader;
  if (!equal(parcel.address, addressOf(svc, side, log))) throw malformed("a parcel for another file");
  const given = pass.decode(passBytes);
  const seeds = secrets.map(([epoch, secret]) => weeklySeed(secret, { svc, log, epoch }, parcel.week));
  const contents = await openContents(svc, side, parcel, seeds);
  const chain = await certified(svc, otherSide(side), pinned, contents.chain);
  if (!equal(chain.root, parcel.root)) throw malformed("a parcel under another root than its chain's");
  checkPass(given, parcel, svc, chain.receipt);
  await verifyFrame(given.frame, chain.receipt);
  const opened = letter.decode(contents.letter);
  checkLetter(opened, parcel, reader, chain.sender);
  await verifyFrame(opened.frame, chain.sender.key);
  const { kind, from } = opened.payload;
  if (!maySend(kind, from, file, chain.sender.roles))
    throw new Refused("not-permitted", "such a sender sends no such letter to such a file");
  const passedMs = given.payload.ms;
  return {
    letter: opened.payload,
    sender: chain.sender,
    second: await checkSecond(contents, opened, chain, passedMs),
    passedMs,
  };
}
