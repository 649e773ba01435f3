/** Registers the operations of the topic unlock. */
import { help, helpRequest } from "../../src/help";
import { decodeAs } from "../../src/shape";
import { limit } from "../../src/limits";
import { readSide } from "../../src/ids";
import {
  boxInfo,
  boxRecipients,
  checkHelp,
  helpDigits,
  openAnswer,
  openBox,
  requestId,
  unlockBound,
} from "../../src/unlock";
import { type In, struct } from "./notation";
import { readRegistry } from "./ops_registry";
import type { Ops } from "./runner";

const context = (input: In) => ({
  svc: input.bytes("svc"),
  side: readSide(input.text("side")),
  device: input.bytes("device"),
  cert: input.bytes("cert"),
  to: input.bytes("to"),
});

export const ops: Ops = {
  box_recipients: async (input) => {
    const { registry } = await readRegistry(input.map("registry"));
    return boxRecipients(registry, input.bytes("device"), input.number("now")).map(({ to, key }) => [to, key]);
  },
  box_info: (input) => boxInfo(context(input)),
  open_box: (input) => openBox(input.bytes("seed"), context(input), input.bytes("sealed")),
  help_digits: (input) => {
    const [request, challenge] = [input.bytes("request"), input.text("challenge")];
    return struct({ id: requestId(request), digits: helpDigits(request, challenge) });
  },
  unlock_bound: (input) => unlockBound(input.bytes("svc"), input.bytes("device"), input.bytes("request")),
  open_answer: async (input) => {
    decodeAs(helpRequest, input.bytes("request"), limit("items_per_object"));
    const { keys, help: said } = await openAnswer(input.bytes("seed"), input.bytes("request"), input.bytes("answer"));
    return struct({ keys, by: said.header.kid, to: said.payload.to, at: said.payload.at });
  },
  check_help: async (input) => {
    const said = help.decode(input.bytes("help"));
    decodeAs(helpRequest, input.bytes("request"), limit("items_per_object"));
    const { registry } = await readRegistry(input.map("registry"));
    return checkHelp(registry, input.bytes("request"), said, input.bytes("device"));
  },
};
