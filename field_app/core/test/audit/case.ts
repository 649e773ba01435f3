/** A case of two people's with a note, and what erases it. */
import { actHash, approval } from "../../src/approval";
import { after, authorIn, randomId, randomSecret, sealEnvelope, signFileStatement } from "../../src/author";
import type { Entry } from "../../src/entry";
import { append, emptyLog, headOf } from "../../src/log";
import { makeGenesis } from "../../src/membership/make";
import { enrolled, newSide, type Side } from "../exchange/side";
import { part } from "../make/files";
import { type Phone, phone, START_MS } from "../make/world";
import { Shower, type Staged } from "./shown";

export interface Written {
  readonly side: Side;
  readonly ada: Phone;
  readonly bo: Phone;
  readonly nonce: Uint8Array;
  readonly shower: Shower<Staged>;
  readonly genesis: Entry;
  readonly note: Entry;
}

/** Ada's note went to Bo two minutes after she had sent it. */
export async function aCase(): Promise<Written> {
  const [secret, nonce] = [randomSecret(), randomId()];
  const admin = await phone(randomId(), "Root", ["administrator"]);
  const [ada, bo] = [await phone(randomId(), "Ada", ["coordinator"]), await phone(randomId(), "Bo", ["navigator"])];
  const side = await enrolled(await enrolled(await newSide(admin), admin, ada), admin, bo);
  const shower = new Shower<Staged>({ side });
  const members = [
    { user: ada.subject.user, role: "coordinator" as const },
    { user: bo.subject.user, role: "navigator" as const },
  ];
  const { registry, svc } = side;
  const beginning = {
    registry,
    device: ada.keys.device,
    key: ada.key,
    kind: "case",
    members,
    nonce,
    secret,
    ck: null,
  } as const;
  const genesis = await makeGenesis(beginning);
  const { log } = genesis.header;
  shower.accept(genesis, START_MS + 10_000);
  const author = after(authorIn(svc, emptyLog(log, registry.log.incarnation), ada.keys.device, ada.key, null), genesis);
  const note = await sealEnvelope(author, { ep: 1, secret }, [part(log, ada, 1, "seen")], [randomSecret()]);
  shower.accept(note, START_MS + 20_000);
  shower.tell({ e: "delivered", device: ada.keys.device, log, from: 0, to: 2, ms: START_MS + 21_000 });
  shower.tell({ e: "delivered", device: bo.keys.device, log, from: 0, to: 2, ms: START_MS + 140_000 });
  return { side, ada, bo, nonce, shower, genesis, note };
}

export async function erasure({ side, ada, nonce, genesis, note }: Written, approver: Phone): Promise<Entry> {
  const { registry, svc } = side;
  const { log } = genesis.header;
  const reason = "court";
  const act = actHash(new Map(Object.entries({ kind: "erase", reason })));
  const payload = { side: "perpetrator", log, kind: "erase", act, until: START_MS + 1e6 } as const;
  const approved = approval.decode(await approval.make({ kid: approver.keys.device, svc }, payload, approver.key));
  const seen = append(
    append(emptyLog(log, registry.log.incarnation), genesis, START_MS + 10_000, true),
    note,
    START_MS + 20_000,
    true,
  );
  const by = authorIn(svc, seen, ada.keys.device, ada.key, null);
  const what = { kind: "erase", file: "case", creator: ada.keys.device, nonce, reason, approval: approved } as const;
  return signFileStatement(by, { ...what, rg: headOf(registry.log), pr: genesis.id });
}
