/** Registers the operations of the topics stub and ledger. */
import { changeKey, changeValue, readPart } from "../../src/change";
import { decodeUuid } from "../../src/ids";
import { foldFund, standing } from "../../src/ledger";
import { checkStub, decodeStub, encodeStub, makeLastStub, makeStub, stubSays } from "../../src/stub";
import { asBytes, asList, asNumber, struct } from "./notation";
import { changes } from "./ops_fold";
import type { Ops } from "./runner";

export const ops: Ops = {
  make_last_stub: (input) => makeLastStub(changes(input).map(({ change }) => change)).map(changeValue),
  make_stub: (input) => {
    const going = input.list("going").map((one) => {
      const [device, c] = asList(one);
      return changeKey(asBytes(device), asNumber(c));
    });
    const stub = makeStub(input.text("file"), changes(input), new Set(going));
    return decodeStub(input.text("file"), encodeStub(stub)).map(changeValue);
  },
  open_stub: (input) => checkStub(input.text("file"), readPart(input.value("changes"), true)).length,
  stub_says: (input) => stubSays(checkStub(input.text("file"), readPart(input.value("changes"), true))),
  fund: (input) => {
    const { allotted, unallocated, spent, disputed, remaining, spends, ignored } = foldFund(
      input.bytes("log"),
      changes(input),
    );
    return struct({
      allotted,
      unallocated,
      spent,
      disputed,
      remaining: [...remaining].sort().map(([device, pence]) => [decodeUuid(device), pence]),
      spends: [...spends.values()].map((one) => [
        one.id,
        standing(one),
        one.counted,
        one.disputed,
        one.refused,
        one.owed,
      ]),
      ignored: ignored.map(({ seq, record }) => [seq, record]),
    });
  },
};
