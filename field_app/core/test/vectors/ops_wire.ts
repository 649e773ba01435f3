/**
 * Registers the codecs of all objects that have a shape and no more: signed ones, bodies, events, statements of a
 * registry.
 */
import { approval } from "../../src/approval";
import { devicesAnswer } from "../../src/audit/pages";
import { gate, intakeKey, publication } from "../../src/board";
import { invitation, registryStatement } from "../../src/certificate";
import { deposit, deposited, held, purge, purged } from "../../src/deposit";
import { declaration, healedTo, healing, offer } from "../../src/restoring";
import { eventShape } from "../../src/event";
import { help, helpAnswer, helpContents, helpRequest } from "../../src/help";
import { come, contents, letter, parcel, parcels, pass } from "../../src/letter";
import { limit } from "../../src/limits";
import { receipt, signedHead, verdict } from "../../src/receipt";
import { decodeFileStatement, encodeFileStatement, fileStatement } from "../../src/statement";
import { syncRequestShape, syncResponseShape } from "../../src/sync";
import { In } from "./notation";
import type { Codecs } from "./runner";
import { codecOfBody, codecOfKind, codecOfShape } from "./shims";

const body = codecOfBody(parcels);

export const codecs: Codecs = {
  invitation: codecOfKind(invitation),
  approval: codecOfKind(approval),
  receipt: codecOfKind(receipt),
  signed_head: codecOfKind(signedHead),
  verdict: codecOfKind(verdict),
  purge: codecOfKind(purge),
  gate: codecOfKind(gate),
  intake_key: codecOfKind(intakeKey),
  letter: codecOfKind(letter),
  pass: codecOfKind(pass),
  help: codecOfKind(help),
  sync_request: codecOfBody(syncRequestShape, limit("items_per_request")),
  sync_response: codecOfBody(syncResponseShape),
  deposit: codecOfBody(deposit),
  deposited: codecOfBody(deposited),
  held: codecOfBody(held),
  devices: codecOfBody(devicesAnswer),
  purged: codecOfBody(purged),
  offer: codecOfBody(offer),
  declaration: codecOfBody(declaration),
  healing: codecOfBody(healing),
  healed_to: codecOfBody(healedTo),
  event: codecOfShape(eventShape),
  registry_statement: codecOfShape(registryStatement, limit("items_per_object")),
  file_statement: {
    decode: (bytes) => fileStatement.write(decodeFileStatement(bytes)),
    encode: (value) => encodeFileStatement(fileStatement.read(value)),
  },
  publication: codecOfBody(publication),
  parcel: codecOfShape(parcel),
  contents: codecOfBody(contents),
  come: codecOfBody(come),
  parcels: {
    decode: async (bytes) => new In(await body.decode(bytes)).value("parcels"),
    encode: (value, seed) => body.encode(new Map([["parcels", value]]), seed),
  },
  help_request: codecOfBody(helpRequest),
  help_answer: codecOfBody(helpAnswer),
  help_contents: codecOfBody(helpContents),
};
