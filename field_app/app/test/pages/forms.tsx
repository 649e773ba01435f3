/** Forms on their own: a test fills them in as a person would, and asks what came of it. */
import { render } from "preact";
import { useState } from "preact/hooks";
import { ErrorSummary } from "../../src/components/basics";
import { type Choice, idOf } from "../../src/forms/context";
import { NOTHING_BEFORE, type Outcome, type Wrong, editsOf } from "../../src/forms/edits";
import { RecordForm, putInto } from "../../src/forms/form";
import { type Field, RECORD_TYPES, type RecordType, recordType } from "../../src/forms/schema";
import { type Value, isList, isMap, missingReason } from "../../src/forms/values";
import { dayBoxes, whenBoxes } from "../../src/forms/dates";
import { poundsBox } from "../../src/forms/money";
import { isWhen } from "../../src/forms/values";
import type { Typed } from "../../src/store/drafts";
import "../../src/styles/app.scss";

let ids: { readonly users: readonly string[]; readonly records: readonly string[] } = { users: [], records: [] };
let typedNow: Typed = {};
let shown: RecordType | undefined;
let showWrong: (wrong: readonly Wrong[]) => void = () => undefined;

const choices = (field: Field): readonly Choice[] => {
  if (field.kind === "user" || field.kind === "users") return ids.users.map((id, i) => ({ id, label: `Worker ${i + 1}` }));
  if (field.kind === "ref" || field.kind === "refs") return ids.records.map((id, i) => ({ id, label: `Record ${i + 1}`, hint: "3 March 2026" }));
  return [];
};

async function attach(file: File): Promise<Choice> {
  return { id: file.name.replace(".jpg", ""), label: file.name };
}

function Shown({ type }: { readonly type: RecordType }) {
  const [typed, setTyped] = useState<Typed>({});
  const [wrong, setWrong] = useState<readonly Wrong[]>([]);
  typedNow = typed;
  showWrong = setWrong;
  return (
    <main class="govuk-width-container govuk-main-wrapper">
      <ErrorSummary problems={wrong.map((one) => ({ message: one.message, target: idOf(one.box) }))} />
      <h1 class="govuk-heading-l">{type.title}</h1>
      <RecordForm
        fields={type.fields}
        before={NOTHING_BEFORE}
        typed={typed}
        wrong={wrong}
        now={() => Date.UTC(2026, 2, 3, 14, 5)}
        onPut={(boxes) => setTyped((was) => putInto(was, boxes))}
        choices={choices}
        pictures={{ attach, takeBack: async () => undefined, show: async () => undefined }}
      />
    </main>
  );
}

const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`there is no #${id}`);
  return found;
}

async function type(box: string, text: string): Promise<void> {
  const input = element(idOf(box));
  if (!(input instanceof HTMLInputElement || input instanceof HTMLTextAreaElement)) throw new Error(`#${idOf(box)} takes no text`);
  input.value = text;
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  await settle();
}

async function press(name: string, value: string): Promise<void> {
  const found = [...document.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)].find((input) => input.value === value);
  if (found === undefined) throw new Error(`${name} has no ${value}`);
  found.click();
  await settle();
}

async function pressWords(within: Element, words: string): Promise<void> {
  const button = [...within.querySelectorAll("button")].find((one) => one.textContent?.startsWith(words));
  if (button === undefined) throw new Error(`there is no button ${words}`);
  button.click();
  await settle();
}

/** Fills a field in as a person would: by pressing and typing, and nothing else. */
async function fill(field: Field, value: Value, path: string): Promise<void> {
  const reason = missingReason(value);
  if (reason !== undefined) return noAnswer(field, reason, path);
  if (field.kind === "list") return rows(field, value, path);
  if (field.kind === "attachments") return files(value, path);
  if (isList(value)) {
    for (const one of value) await press(path, String(one));
  } else if (["code", "yn", "user", "ref"].includes(field.kind)) await press(path, String(value));
  else if (field.kind === "date") await boxes(path, dayBoxes(String(value)));
  else if (isWhen(value)) {
    const { about, ...rest } = whenBoxes(value);
    await boxes(path, rest);
    if (about) element(idOf(`${path}.about`)).click();
    await settle();
  } else await type(path, field.kind === "pence" ? poundsBox(Number(value)) : String(value));
}

async function boxes(path: string, parts: object): Promise<void> {
  for (const [part, text] of Object.entries(parts)) if (text !== "") await type(`${path}.${part}`, String(text));
}

async function noAnswer(field: Field, reason: string, path: string): Promise<void> {
  if (!["code", "yn"].includes(field.kind)) return press(`${path}.none`, reason);
  const group = document.querySelector(`input[name="${path}"]`)?.closest("fieldset");
  if (reason !== "not_known" && group) await pressWords(group, "Another reason");
  await press(path, `none:${reason}`);
}

async function rows(field: Field, value: Value, path: string): Promise<void> {
  for (const [index, row] of (isList(value) ? value : []).entries()) {
    await pressWords(element(idOf(path)), "Add");
    for (const cell of field.cells) {
      const of = isMap(row) ? row[cell.name] : undefined;
      if (of !== undefined && cell.name !== "order") await fill(cell, of, `${path}.r${index + 1}.${cell.name}`);
    }
  }
}

async function files(value: Value, path: string): Promise<void> {
  const input = element(idOf(path));
  if (!(input instanceof HTMLInputElement)) throw new Error("no box for files");
  const transfer = new DataTransfer();
  for (const one of isList(value) ? value : []) {
    transfer.items.add(new File(["x"], `${String(one)}.jpg`, { type: "image/jpeg" }));
  }
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  await settle();
  await settle();
}

const reach = {
  types: RECORD_TYPES.map((one) => one.name),
  use: (given: typeof ids): void => {
    ids = given;
  },
  show: async (name: string): Promise<void> => {
    shown = recordType(name);
    const root = document.body;
    render(null, root);
    if (shown !== undefined) render(<Shown type={shown} />, root);
    await settle();
  },
  fill: async (name: string, value: Value): Promise<void> => {
    const field = shown?.fields.find((one) => one.name === name);
    if (field === undefined) throw new Error(`no field ${name}`);
    await fill(field, value, field.name);
  },
  /** Pairs of a field's name and its value, as JSON. */
  fillAll: async (written: string): Promise<void> => {
    for (const [name, value] of JSON.parse(written) as readonly (readonly [string, Value])[]) await reach.fill(name, value);
  },
  outcome: (whole: boolean): Outcome => {
    if (shown === undefined) throw new Error("no form is shown");
    return editsOf(shown, shown.fields, NOTHING_BEFORE, typedNow, whole);
  },
  sign: async (): Promise<void> => {
    const outcome = reach.outcome(true);
    showWrong("wrong" in outcome ? outcome.wrong : []);
    await settle();
  },
  openAll: (): void => {
    for (const one of document.querySelectorAll("details")) one.open = true;
  },
  typed: (): Typed => typedNow,
};

declare global {
  var forms: ReachOfForms;
}
export type ReachOfForms = typeof reach;
globalThis.forms = reach;
