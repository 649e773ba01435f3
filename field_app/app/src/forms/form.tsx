/**
 * The form of a record type, made from its schema.
 *
 * What is needed stands on top, in the schema's order; what may be left out stands behind one tap, and in the open as soon
 * as something is in it. Ids and hashes that devices fill in are shown to nobody, unless there is something to choose from.
 */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Details } from "../components/basics";
import type { Typed } from "../store/drafts";
import { isUntouched } from "./boxes";
import { type Choice, FormContext, type Pictures } from "./context";
import { FieldControl } from "./controls/control";
import { type Before, type Wrong, boxesBefore } from "./edits";
import { type Field, type RecordType, type Side, isOfEveryRecord, standsIn } from "./schema";

/** Where the record is written, and by whom: it decides which fields there are. */
export interface Setting {
  readonly kind: string;
  readonly side: Side;
  readonly roles: readonly string[];
}

/** Fields that no form shows: what the app writes by itself. */
const BY_THE_APP: ReadonlySet<string> = new Set(["code_version", "state", "addenda", "approval", "approvals", "filling", "looks", "upto"]);
const isByApp = (field: Field): boolean => field.kind === "hash" || field.kind === "att" || field.kind === "random_id" || BY_THE_APP.has(field.name);

/** The time of the event comes first, whatever the type. */
const FIRST = "event_at";

/** The fields that a person fills in. */
export function fieldsFor(type: RecordType, setting: Setting, choices: (field: Field) => readonly Choice[]): readonly Field[] {
  const mine = type.fields.filter(
    (field) =>
      standsIn(field, setting.kind, setting.side) &&
      (field.writers === undefined || field.writers.some((role) => setting.roles.includes(role))) &&
      (!isByApp(field) || (field.kind === "random_id" && choices(field).length > 0)),
  );
  return [...mine.filter((field) => field.name === FIRST), ...mine.filter((field) => field.name !== FIRST)];
}

interface Props {
  readonly fields: readonly Field[];
  readonly before: Before;
  readonly typed: Typed;
  readonly wrong: readonly Wrong[];
  readonly now: () => number;
  /** Boxes that changed, and no others: what is typed meanwhile elsewhere stays. */
  readonly onPut: (boxes: Typed) => void;
  readonly choices: (field: Field) => readonly Choice[];
  readonly pictures: Pictures;
}

/** The boxes without those that are empty: a box that nobody has filled in is no box. */
export function putInto(typed: Typed, boxes: Typed): Typed {
  return Object.fromEntries(Object.entries({ ...typed, ...boxes }).filter(([, text]) => text !== ""));
}

export function RecordForm({ fields, before, typed, wrong, now, onPut, choices, pictures }: Props): JSX.Element {
  const was = useMemo(() => boxesBefore(fields, before), [fields, before]);
  const messages = useMemo(() => new Map(wrong.map((one) => [one.box, one.message])), [wrong]);
  const state = { typed, before: was, wrong: messages, now, put: onPut, choices, pictures };
  const isMain = (field: Field): boolean => field.need.when !== "never" || field.name === FIRST;
  const ofType = fields.filter((field) => !isMain(field) && !isOfEveryRecord(field));
  const ofEvery = fields.filter((field) => !isMain(field) && isOfEveryRecord(field));
  return (
    <FormContext.Provider value={state}>
      <form
        autocomplete="off"
        noValidate
        onSubmit={(event) => event.preventDefault() /* Enter in a box signs nothing */}
      >
        {fields.filter(isMain).map((field) => control(field, before))}
        <More summary="More, if it helps" fields={ofType} typed={typed} before={before} />
        <More summary="How you know it, and how it may be used" fields={ofEvery} typed={typed} before={before} />
      </form>
    </FormContext.Provider>
  );
}

const control = (field: Field, before: Before): JSX.Element => (
  <FieldControl key={field.name} field={field} path={field.name} fixed={field.policy === "once" && before.values[field.name] !== undefined} />
);

interface MoreProps {
  readonly summary: string;
  readonly fields: readonly Field[];
  readonly typed: Typed;
  readonly before: Before;
}

function More({ summary, fields, typed, before }: MoreProps): JSX.Element | null {
  const open = useMemo(() => fields.some((field) => !isUntouched(field.name, typed)), []);
  if (fields.length === 0) return null;
  return (
    <Details summary={summary} open={open}>
      {fields.map((field) => control(field, before))}
    </Details>
  );
}
