/** A few fields of record types in a form of their own, where no whole record is written. */
import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { ErrorSummary } from "../components/basics";
import { firstBox, readField } from "../forms/boxes";
import { FormContext, idOf } from "../forms/context";
import { FieldControl } from "../forms/controls/control";
import { putInto } from "../forms/form";
import { type Field, recordType } from "../forms/schema";
import type { Value } from "../forms/values";
import type { Typed } from "../store/drafts";
import { picturesOf } from "./pictures";
import { useSession } from "./session";

/** A field of a type; `needed` whatever the schema says of it. */
export function fieldOf(type: string, name: string, needed = false): Field {
  const field = recordType(type)?.fields.find((one) => one.name === name);
  if (field === undefined) throw new Error(`no field ${type}.${name}`);
  return needed ? { ...field, need: { when: "always", words: undefined } } : field;
}

interface Boxes {
  readonly typed: Typed;
  readonly form: (children: ComponentChildren) => JSX.Element;
  /** Undefined where something is missing or wrong: then it is shown. */
  readonly read: () => Readonly<Record<string, Value>> | undefined;
}

interface How {
  readonly start?: Typed;
  /** Told of everything that is typed. */
  readonly onTyped?: (typed: Typed) => void;
}

interface Wanting {
  readonly box: string;
  readonly message: string;
}

export function useBoxes(fields: readonly Field[], { start = {}, onTyped }: How = {}): Boxes {
  const { now, device } = useSession();
  const [typed, setTyped] = useState<Typed>(start);
  const [problems, setProblems] = useState<readonly Wanting[]>([]);
  const wrong = useMemo(() => new Map(problems.map(({ box, message }) => [box, message])), [problems]);
  const read = (): Readonly<Record<string, Value>> | undefined => {
    const values: Record<string, Value> = {};
    const found: Wanting[] = [];
    for (const field of fields) {
      const reading = readField(field, typed, field.name);
      if (reading.is === "value") values[field.name] = reading.value;
      else if (reading.is === "wrong") found.push({ box: reading.box, message: reading.message });
      else if (field.need.when === "always") found.push({ box: firstBox(field, field.name), message: `Say something under “${field.label}”` });
    }
    setProblems(found);
    return found.length > 0 ? undefined : values;
  };
  const put = (boxes: Typed): void => {
    const next = putInto(typed, boxes);
    setTyped(next);
    onTyped?.(next);
  };
  const state = { typed, before: {}, wrong, now, put, choices: () => [], pictures: picturesOf(device, "") };
  const form = (children: ComponentChildren): JSX.Element => (
    <FormContext.Provider value={state}>
      <ErrorSummary problems={problems.map(({ box, message }) => ({ message, target: idOf(box) }))} />
      {fields.map((field) => (
        <FieldControl key={field.name} field={field} path={field.name} />
      ))}
      {children}
    </FormContext.Provider>
  );
  return { typed, form, read };
}
