/**
 * The fold of one record: live sets, proposals, signatures, deletions. Spec 5.3. Vectors: fold, stub.
 *
 * A record is folded whole from its changes: it has few, and so a change that takes its place in the middle (an epoch
 * opened later, a stub) needs no rule of its own.
 */
import { equal } from "../bytes";
import { changeKey, type Field, fieldKey, type Op, type OpId, opKey } from "../change";
import { recordId } from "../ids";
import { CONTESTED, FREEZES, type RecordRules, type Types } from "../record_rules";
import { isList, isMap, saidIn, sameKey } from "./markers";
import type { Flag, FoldedField, FoldedOp, FoldedRecord, Placed, Said, Signature } from "./model";
import { hidden } from "./hidden";
import { deviceOf, freeze, inOrder, isOlder, join, newSlot, rowKey, type Slot, standsAt } from "./slot";

/** A change of the record, or a later one under a number of it that was used already, with other content. */
export type Step =
  | { readonly kind: "change"; readonly placed: Placed }
  | { readonly kind: "repeated"; readonly first: Placed };

const STATE = "state";
const VOID = "void";

export class RecordFold {
  readonly #id: Uint8Array;
  readonly #created: Placed | null;
  readonly #rules: RecordRules | null;
  readonly #said: Said;
  readonly #slots = new Map<string, Slot>();
  readonly #rows = new Map<string, FoldedOp>();
  /** Every op of every change that was folded, ignored ones too. */
  readonly #there = new Set<string>();
  readonly #changes: Placed[] = [];
  readonly #deletions: Placed[] = [];
  readonly #signatures: Signature[] = [];
  readonly #flags: (readonly [OpId, Flag])[] = [];
  readonly #repeated: (readonly [OpId, Flag])[] = [];
  #place = 0;
  #frozen = false;
  #signedByCreator = false;

  constructor(log: Uint8Array, id: Uint8Array, types: Types, steps: readonly Step[]) {
    const changes = steps.flatMap((step) => (step.kind === "change" ? [step.placed] : []));
    this.#id = id;
    this.#created = changes.find(({ device, change }) => equal(recordId(log, device, change.c), id)) ?? null;
    this.#rules = (this.#created === null ? undefined : types.get(this.#created.change.t)) ?? null;
    this.#said = changes.some(({ stub }) => stub) ? saidIn(changes) : new Map();
    for (const step of steps) {
      if (step.kind === "change") this.#take(step.placed);
      else this.#repeated.push([[step.first.device, step.first.change.c, 0], "repeated-with-other-content"]);
    }
  }

  result(): FoldedRecord {
    const fields = new Map<string, FoldedField>();
    for (const slot of this.#slots.values()) {
      if (slot.live.size === 0 && slot.proposals.size === 0) continue;
      const [live, proposals] = [inOrder(slot.live), inOrder(slot.proposals)];
      const contested = slot.rules !== null && CONTESTED.has(slot.rules.merge);
      fields.set(slot.key, {
        field: slot.field,
        rules: slot.rules,
        live,
        proposals,
        conflict: contested && this.#disagree(slot),
      });
    }
    return {
      id: this.#id,
      created: this.#created,
      type: this.#created?.change.t ?? "",
      version: this.#created?.change.s ?? 0,
      rules: this.#rules,
      hidden: this.#rules?.deletable !== false && hidden(this.#changes, this.#deletions),
      isVoid: this.#isVoid(),
      fields,
      signatures: this.#signatures,
      flags: [...this.#flags, ...this.#repeated],
      said: this.#said,
    };
  }

  // --- a change ------------------------------------------------------------------------------------------------------

  #take(placed: Placed): void {
    const { change, device } = placed;
    const signs: [OpId, Op][] = [];
    const number = changeKey(device, change.c);
    let index = 0;
    for (const op of change.ops) {
      const id: OpId = [device, change.c, index];
      const key = `${number}:${index++}`;
      if (op.action === "sign") signs.push([id, op]);
      else if (op.action === "delete") this.#delete(placed, id);
      else this.#apply(placed, id, key, op);
      this.#there.add(key);
    }
    this.#changes.push(placed);
    const first = signs[0];
    if (first !== undefined) this.#sign(placed, first[0], signs);
  }

  #flag(id: OpId, flag: Flag): void {
    this.#flags.push([id, flag]);
  }

  #delete(placed: Placed, id: OpId): void {
    if (this.#rules?.deletable === false) this.#flag(id, "this-type-is-not-deletable");
    else this.#deletions.push(placed);
  }

  #sign(placed: Placed, first: OpId, signs: readonly (readonly [OpId, Op])[]): void {
    const signed = new Map<string, OpId>();
    for (const [id, op] of signs) {
      const there = op.preds.filter((pred) => this.#there.has(opKey(pred)));
      if (there.length < op.preds.length) this.#flag(id, "signs-an-op-that-is-not-there");
      for (const pred of there) signed.set(opKey(pred), signed.get(opKey(pred)) ?? pred);
    }
    this.#signatures.push({ by: placed, id: first, signed: [...signed.values()] });
    if (!this.#byCreator(placed)) return;
    this.#signedByCreator = true;
    if (this.#frozen || this.#rules === null || this.#rules.weight === "living") return;
    this.#frozen = true;
    for (const slot of this.#slots.values()) if (this.#freezes(slot)) freeze(slot, signed);
  }

  // --- an op ---------------------------------------------------------------------------------------------------------

  #apply(placed: Placed, id: OpId, key: string, op: Op): void {
    const slot = this.#slot(op.field);
    const unfit = this.#unfit(slot, op);
    if (unfit !== null) this.#flag(id, unfit);
    else this.#fit(slot, this.#folded(placed, id, key, op), op);
    // An op that was ignored may be named too: there is nothing of it to remove.
    slot.folded.set(key, placed.seq);
  }

  #fit(slot: Slot, folded: FoldedOp, op: Op): void {
    if (op.action === "set" || op.action === "resolve") this.#single(slot, folded, op);
    else if (this.#frozen && this.#freezes(slot)) slot.proposals.set(folded.key, folded);
    else if (op.action === "remove") for (const key of this.#counting(slot, folded, op)) slot.live.delete(key);
    else this.#add(slot, folded);
  }

  #folded(placed: Placed, id: OpId, key: string, op: Op): FoldedOp {
    const [value, reason] = op.action === "resolve" && isList(op.value) ? op.value : [op.value, ""];
    return {
      id,
      key,
      place: this.#place++,
      from: placed,
      value: value ?? null,
      reason: typeof reason === "string" ? reason : "",
    };
  }

  #unfit(slot: Slot, op: Op): Flag | null {
    if (typeof slot.field !== "string" && !this.#rows.has(rowKey(slot.field[0], slot.field[1])))
      return "names-a-row-that-is-not-there";
    const merge = slot.rules?.merge ?? null;
    const single = op.action === "set" || op.action === "resolve";
    if (slot.field === STATE || typeof slot.field !== "string") {
      return single && (merge !== "once" || slot.field === STATE) ? null : "action-does-not-fit-field";
    }
    if (merge === "append" && op.action === "remove") return "rows-are-never-removed";
    if (merge === null || single !== (merge === "set" || merge === "append")) return null;
    return "action-does-not-fit-field";
  }

  /** The keys of the preds that count, each of the others flagged. */
  #counting(slot: Slot, { id, from }: FoldedOp, { preds }: Op): readonly string[] {
    const row = typeof slot.field === "string" ? undefined : this.#rows.get(rowKey(slot.field[0], slot.field[1]));
    return preds.flatMap((pred) => {
      const key = opKey(pred);
      const seq = standsAt(slot, row, key);
      if (seq !== undefined && (seq <= from.change.b || equal(pred[0], from.device))) return [key];
      this.#flag(id, "names-an-op-it-cannot-have-seen");
      return [];
    });
  }

  #add(slot: Slot, op: FoldedOp): void {
    join(slot, op);
    const isRow = typeof slot.field === "string" && (slot.rules === null || slot.rules.merge === "append");
    if (!isRow || typeof slot.field !== "string") return;
    this.#rows.set(rowKey(slot.field, op.id), op);
    for (const [name, rules] of slot.rules?.cells ?? []) {
      const held = isMap(op.value) ? op.value.get(name) : undefined;
      if (rules.merge === "once" || held === undefined) continue;
      const cell = this.#slot([slot.field, op.id, name]);
      join(cell, { ...op, value: held });
      cell.newest.set(deviceOf(op), [op.id[1], op.id[2]]);
    }
  }

  #single(slot: Slot, op: FoldedOp, said: Op): void {
    const { action } = said;
    const conflict = this.#disagree(slot);
    if (this.#isProposal(slot, op, conflict && action === "resolve")) {
      slot.proposals.set(op.key, op);
      return;
    }
    const named = this.#counting(slot, op, said);
    if (slot.field === STATE && op.value === VOID) {
      slot.live.clear();
      return join(slot, op);
    }
    const device = deviceOf(op);
    const own = (key: string): boolean => key.startsWith(device);
    const keepsOthers = action === "set" && conflict && slot.rules !== null && CONTESTED.has(slot.rules.merge);
    for (const key of named) if (!keepsOthers || own(key)) slot.live.delete(key);
    if (isOlder(slot, op)) return;
    for (const key of [...slot.live.keys()].filter(own)) slot.live.delete(key);
    join(slot, op);
    slot.newest.set(device, [op.id[1], op.id[2]]);
  }

  #isProposal(slot: Slot, op: FoldedOp, settles: boolean): boolean {
    if (slot.field === STATE && this.#isStateProposal(op)) return true;
    if (slot.field === STATE && op.value === VOID) return false;
    if (this.#frozen && this.#freezes(slot) && !settles) return true;
    const merge = slot.rules?.merge;
    if (merge === "once") return this.#created === null || !equal(op.from.device, this.#created.device);
    return merge === "text" && !this.#byCreator(op.from) && !settles;
  }

  /** The field `state` is not taken at its word. */
  #isStateProposal({ value, from }: FoldedOp): boolean {
    if (this.#isVoid()) return true;
    const byCreator = this.#byCreator(from);
    if (value === VOID) return !byCreator;
    if (value === "signed" && !from.change.ops.some(({ action }) => action === "sign")) return true;
    return this.#rules !== null && this.#rules.weight !== "living" && (!byCreator || this.#signedByCreator);
  }

  // --- questions -----------------------------------------------------------------------------------------------------

  #slot(field: Field): Slot {
    const key = fieldKey(field);
    const known = this.#slots.get(key);
    if (known !== undefined) return known;
    const list = this.#rules?.fields.get(typeof field === "string" ? field : field[0]);
    const rules = (typeof field === "string" ? list : list?.cells.get(field[2])) ?? null;
    const slot = newSlot(field, key, rules);
    this.#slots.set(key, slot);
    return slot;
  }

  #byCreator({ user }: Placed): boolean {
    return this.#created !== null && equal(user, this.#created.user);
  }

  #isVoid(): boolean {
    const live = this.#slots.get(fieldKey(STATE))?.live;
    return live !== undefined && [...live.values()].some(({ value }) => value === VOID);
  }

  #freezes(slot: Slot): boolean {
    return (
      typeof slot.field === "string" && slot.field !== STATE && slot.rules !== null && FREEZES.has(slot.rules.merge)
    );
  }

  #disagree(slot: Slot): boolean {
    if (slot.live.size < 2) return false;
    return new Set([...slot.live.values()].map((op) => sameKey(op, slot.key, this.#said))).size > 1;
  }
}
