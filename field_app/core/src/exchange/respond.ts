/**
 * One answer of `POST /v1/sync`, taken whole: a step from what a device knew to what it knows. Spec 9.2, 9.3. Tests:
 * exchange.
 */
import { equal, hex } from "../bytes";
import type { Deposited } from "../deposit";
import { type Code, Refused } from "../errors";
import { seqOf } from "../log";
import { emptyFile, type File, roleIn } from "../membership/state";
import type { Check } from "../registry/judged";
import type { Receipt } from "../receipt";
import { isHealing, serverOf } from "../registry/state";
import type { Page, SyncResponse } from "../sync";
import { takePage } from "./file_page";
import { isCloned, type OutboxItem, type Outcome, settle } from "./outbox";
import type { Asked } from "./plan";
import { proved } from "./proofs";
import { readReceipt, readVerdict, takeReceipt } from "./receipts";
import { type Leaf, takeCheckpoint, takeRegistryPage } from "./registry_page";
import { contradiction, type Served, type Told } from "./served";
import { leafOf, type PendingLeaf, type SyncEvent, type View, withLeaves } from "./view";

export interface Responded {
  readonly view: View;
  readonly events: readonly SyncEvent[];
  /** Another sync has to follow. */
  readonly again: boolean;
}

/** What every answer to what was pushed has. */
type Answered = Pick<SyncResponse, "answers" | "receipts" | "pages" | "more" | "time">;

/** The state of one step, while it is taken. */
class Step {
  readonly events: SyncEvent[] = [];
  again = false;
  /** What receipts of earlier answers have promised. */
  readonly before: View["promised"];

  constructor(
    public view: View,
    readonly response: Answered,
    readonly ownMs: number,
    readonly check: Check,
  ) {
    this.before = view.promised;
  }

  told(log: Uint8Array): Told {
    const { roots, leaves, refused, promised } = this.view;
    const due = Math.max(0, ...(this.before.get(hex(log))?.keys() ?? []));
    return { roots, leaves, refused, promised: promised.get(hex(log)) ?? new Map(), due };
  }

  /**
   * Runs what may refuse: a contradiction stops the log, anything else was not this server's word and is passed over.
   */
  async guard(log: Uint8Array | null, run: () => Promise<void> | void): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code !== "contradiction") {
        this.events.push({ is: "unsigned", code: error.code, message: error.message });
        return;
      }
      this.events.push({ is: "contradiction", log, message: error.message });
      if (log !== null) this.view = { ...this.view, stopped: new Set([...this.view.stopped, hex(log)]) };
    }
  }

  resumed(log: Uint8Array): ReadonlySet<string> {
    return new Set([...this.view.stopped].filter((one) => one !== hex(log)));
  }

  /** The outbox, knowing where the log has shown its entries. */
  shown(
    places: readonly { readonly served: Pick<Served, "id" | "seq">; readonly void: Code | null }[],
  ): readonly OutboxItem[] {
    const by = new Map(
      places.map(({ served, void: code }) => [hex(served.id), { seq: served.seq, void: code }] as const),
    );
    return this.view.outbox.map((item) => ({ ...item, shown: by.get(hex(item.entry.id)) ?? item.shown }));
  }

  await(leaves: readonly (Leaf | null)[]): readonly PendingLeaf[] {
    const more = leaves.flatMap((leaf) =>
      leaf === null ? [] : [{ leaf, server_ms: this.response.time, own_ms: this.ownMs }],
    );
    return [...this.view.pending, ...more];
  }
}

// --- pages -----------------------------------------------------------------------------------------------------------

/** The older incarnation is over (19.4): its tree, and what it promised. Every file has to be shown again. */
function turned(view: View, { log: { incarnation } }: View["registry"]): View {
  const files = [...view.files].map(([key, reading]) => {
    const { file } = reading;
    return [key, { ...reading, file: { ...file, log: { ...file.log, incarnation } } }] as const;
  });
  return {
    ...view,
    incarnation,
    files: new Map(files),
    outbox: view.outbox.map((item) => ({ ...item, receipt: null })),
    checkpoint: null,
    roots: new Map(),
    leaves: new Map(),
    pending: [],
    promised: new Map(),
    unseen: new Set(view.files.keys()),
  };
}

async function takeRegistry(step: Step, page: Page, { sent }: Asked): Promise<void> {
  const { view, check } = step;
  const told = step.told(page.log);
  const { registry, taken } = await takeRegistryPage(view.registry, page, {
    incarnation: view.incarnation,
    sent,
    told,
    check,
  });
  if (registry.restorations.length > view.registry.restorations.length) {
    step.view = turned(step.view, registry);
    step.events.push({ is: "restored", registrySeq: seqOf(view.registry.log) });
  }
  const outbox = step.shown(taken);
  const pending = step.await(taken.map((one) => leafOf(registry.log, one.served, one.void === "invitation-spent")));
  const leaves = withLeaves(
    step.view,
    taken.map(({ served }) => served),
  );
  step.view = { ...step.view, registry, outbox, pending, leaves, stopped: step.resumed(page.log) };
  if (taken.length > 0) step.events.push({ is: "registry", taken });
}

/**
 * A reader that has not got what an entry relies on asks again; when the registry comes without it, that is a
 * contradiction.
 */
function comeBehind(step: Step, page: Page, complete: boolean): void {
  const key = hex(page.log);
  step.again = true;
  if (!complete) return;
  if (step.view.behind.has(key)) throw contradiction("an entry relies on a registry that the server does not show");
  step.view = { ...step.view, behind: new Set([...step.view.behind, key]) };
}

async function takeFile(step: Step, page: Page, { sent }: Asked, complete: boolean): Promise<void> {
  const { view, check } = step;
  const key = hex(page.log);
  const reading = view.files.get(key) ?? { file: emptyFile(view.registry, page.log), absent: [], ids: false };
  const member = (file: File): boolean => roleIn(file, view.user) !== null;
  const taken = await takePage(reading, page, {
    registry: view.registry,
    sent,
    told: step.told(page.log),
    member,
    quietMs: view.quietMs,
    whole: !view.unseen.has(key),
    check,
  });
  if (taken.kind === "behind") return comeBehind(step, page, complete);
  if (taken.kind === "lost") {
    step.events.push({ is: "lost", log: page.log, seq: taken.seq });
    return;
  }
  const files = new Map([...view.files, [key, taken.reading] as const]);
  const behind = new Set([...view.behind].filter((one) => one !== key));
  const unseen = new Set([...view.unseen].filter((one) => one !== key));
  step.view = { ...view, files, behind, unseen, stopped: step.resumed(page.log) };
  const served = taken.kind === "ids" ? taken.served : taken.taken.map((one) => one.served);
  // Of what came as ids alone the erasure is known, and shown to stand: a device that made it is done with it.
  const known =
    taken.kind === "taken"
      ? taken.taken
      : served.filter(({ seq }) => seq === taken.erased).map((one) => ({ served: one, void: null }));
  step.view = {
    ...step.view,
    outbox: step.shown(known),
    pending: step.await(known.map((one) => leafOf(taken.reading.file.log, one.served, false))),
    leaves: withLeaves(view, served),
  };
  if (page.entries.length > 0) step.events.push({ is: "file", log: page.log, page: taken });
}

async function takePages(step: Step, asked: Asked): Promise<void> {
  const isRegistry = ({ log }: Page): boolean => equal(log, step.view.registry.log.log);
  const own = step.response.pages.find(isRegistry);
  if (own !== undefined) await step.guard(own.log, () => takeRegistry(step, own, asked));
  const complete = own === undefined ? !step.response.more : !own.more;
  for (const page of step.response.pages)
    if (!isRegistry(page)) await step.guard(page.log, () => takeFile(step, page, asked, complete));
}

// --- what became of what was pushed ----------------------------------------------------------------------------------

function promise(view: View, payload: Receipt["payload"]): View {
  const key = hex(payload.log);
  const log = equal(payload.log, view.registry.log.log) ? view.registry.log : (view.files.get(key)?.file.log ?? null);
  const promised = takeReceipt(payload, log, view.promised.get(key) ?? new Map());
  const places = new Map(payload.items.map(({ id, seq }) => [hex(id), seq] as const));
  const outbox = view.outbox.map((item) => ({ ...item, receipt: places.get(hex(item.entry.id)) ?? item.receipt }));
  return { ...view, outbox, promised: new Map([...view.promised, [key, promised]]) };
}

async function takeReceipts(step: Step): Promise<void> {
  const server = serverOf(step.view.registry);
  if (server === null) return;
  for (const bytes of step.response.receipts) {
    await step.guard(null, async () => {
      const payload = await readReceipt(server, bytes);
      await step.guard(payload.log, () => {
        step.view = promise(step.view, payload);
      });
    });
  }
}

async function takeAnswers(step: Step, { pushed }: Asked): Promise<void> {
  const server = serverOf(step.view.registry);
  if (server === null) return;
  for (const [k, answer] of step.response.answers.entries()) {
    const item = pushed[k];
    if (item === undefined) continue;
    const { signed } = answer;
    if (signed !== undefined) {
      await step.guard(item.entry.header.log, async () => {
        const verdict = await readVerdict(server, signed, item.what, item.entry);
        const { view } = step;
        const outbox = view.outbox.map((one) => (equal(one.entry.id, item.entry.id) ? { ...one, verdict } : one));
        step.view = { ...view, outbox, refused: new Map([...view.refused, [hex(item.entry.id), verdict]]) };
      });
    }
    if (answer.code !== "clone-detected") continue;
    const cloned = await isCloned(item, answer, step.view.sign, step.view.refused, step.check);
    step.events.push({ is: cloned ? "cloned" : "falsely-cloned", log: item.entry.header.log });
    if (cloned) step.view = { ...step.view, frozen: true };
  }
}

/** What is held, or kept for a person to see, stays in the outbox, and is not sent again. */
const STAYS: readonly Outcome["is"][] = ["waits", "held", "kept"];

function settleAll(step: Step): void {
  const byLog = new Map<string, OutboxItem[]>();
  for (const item of step.view.outbox) {
    const key = hex(item.entry.header.log);
    byLog.set(key, [...(byLog.get(key) ?? []), item]);
  }
  const staying: OutboxItem[] = [];
  for (const [key, items] of byLog) {
    const file = step.view.files.get(key)?.file;
    const decided = { admitted: new Set(file?.admitted.keys()), settled: new Set(file?.settled.keys()) };
    for (const [i, outcome] of settle(items, decided).entries()) {
      const item = items[i];
      if (item === undefined) continue;
      if (STAYS.includes(outcome.is)) staying.push(item);
      if (outcome.is !== "waits") step.events.push({ is: "outcome", item, outcome });
    }
  }
  step.view = { ...step.view, outbox: step.view.outbox.filter((item) => staying.includes(item)) };
}

// --- the audit tree --------------------------------------------------------------------------------------------------

async function takeTree(step: Step, { request }: Asked, response: SyncResponse): Promise<void> {
  const { registry, checkpoint, roots, pending } = step.view;
  const { checkpoint: note, consistency, inclusion, time: serverMs } = response;
  const tree = await takeCheckpoint(registry, checkpoint, note, consistency);
  const { ownMs } = step;
  const { waiting, missing, again } = proved(pending, { tree, asked: request.prove, inclusion, serverMs, ownMs });
  step.view = {
    ...step.view,
    checkpoint: tree,
    roots: new Map([...roots, [tree.size, hex(tree.root)]]),
    pending: waiting,
  };
  step.events.push(...missing.map(({ log, seq }) => ({ is: "not-in-audit-log", log, seq }) as const));
  step.again ||= again;
}

async function takeAnswered(view: View, asked: Asked, response: Answered, ownMs: number, check: Check): Promise<Step> {
  if (response.answers.length !== asked.pushed.length)
    throw new Refused("malformed", "not one answer for each entry that was pushed");
  const step = new Step(view, response, ownMs, check);
  await takeReceipts(step);
  await takePages(step, asked);
  await takeAnswers(step, asked);
  settleAll(step);
  return step;
}

/** `ownMs` is the device's clock. Nothing is half taken: a page that is refused leaves its log as it was. */
export async function respond(
  view: View,
  asked: Asked,
  response: SyncResponse,
  ownMs: number,
  check: Check,
): Promise<Responded> {
  const step = await takeAnswered(view, asked, response, ownMs, check);
  await step.guard(null, () => takeTree(step, asked, response));
  const waiting = response.more || response.pages.some(({ more }) => more);
  // While the side heals, what comes back was received before: such an answer says nothing of what there was.
  if (!waiting && !isHealing(step.view.registry)) step.view = { ...step.view, quietMs: Math.max(step.view.quietMs ?? 0, response.time) };
  return { view: step.view, events: step.events, again: waiting || asked.left || step.again };
}

/**
 * What was handed in (9.5): receipts, verdicts, and the registry up to the device's own revocation. It is told nothing
 * of the audit tree. `serverMs` is the server's clock as far as the device knows it.
 */
export async function respondDeposited(
  view: View,
  asked: Asked,
  { answers, receipts, pages }: Deposited,
  serverMs: number,
  ownMs: number,
  check: Check,
): Promise<Responded> {
  const registry = pages.filter(({ log }) => equal(log, view.registry.log.log));
  const answered = { answers, receipts, pages: registry, more: true, time: serverMs };
  const step = await takeAnswered(view, asked, answered, ownMs, check);
  return { view: step.view, events: step.events, again: registry.some(({ more }) => more) };
}
