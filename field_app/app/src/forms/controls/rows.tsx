/**
 * Rows: the same few questions as often as there is something to say. What was saved stays, and what changes are its cells.
 *
 * Rows with a place of their own are put in order by moving them, and nobody types a number.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button, LinkButton } from "../../components/basics";
import { boxOf, firstBox, wordsOf } from "../boxes";
import { idOf, useForm } from "../context";
import type { Typed } from "../../store/drafts";
import type { Field } from "../schema";
import { FieldControl } from "./control";
import { type ControlProps, useWrong } from "./parts";

const PLACE = "order";
/** What can only be said of a row that is there already. */
const LATER = "withdrawn";
const hasPlaces = (field: Field): boolean => field.cells.some((cell) => cell.name === PLACE && cell.kind === "int");

/** Rows by their places; those without one after the others, as they came. */
function inOrder(field: Field, path: string, ids: readonly string[], typed: Typed): readonly string[] {
  if (!hasPlaces(field)) return ids;
  const place = (id: string): number => Number(typed[`${path}.${id}.${PLACE}`] ?? "") || Number.MAX_SAFE_INTEGER;
  return [...ids].sort((a, b) => place(a) - place(b));
}

/** The boxes of the rows' places, from 1. */
const places = (path: string, ids: readonly string[]): Typed =>
  Object.fromEntries(ids.map((id, index) => [`${path}.${id}.${PLACE}`, String(index + 1)]));

/** A name for a new row that no row has. */
function newRow(taken: readonly string[]): string {
  let number = taken.length + 1;
  while (taken.includes(`r${number}`)) number += 1;
  return `r${number}`;
}

export function Rows({ field, path }: ControlProps): JSX.Element {
  const { typed, before, put } = useForm();
  const [added, setAdded] = useState<string>();
  const heading = useRef<HTMLHeadingElement>(null);
  const wrong = useWrong(path);
  const box = `${path}.rows`;
  const ids = inOrder(field, path, wordsOf(typed[box]), typed);
  const ordered = hasPlaces(field);
  const kept = wordsOf(before[box]);
  const [first] = field.cells;

  useEffect(() => {
    if (added === undefined || first === undefined) return;
    document.getElementById(idOf(firstBox(first, `${path}.${added}.${first.name}`)))?.focus();
  }, [added]);

  const add = (): void => {
    const id = newRow(ids);
    put({ [box]: boxOf([...ids, id]), ...(ordered ? places(path, [...ids, id]) : {}) });
    setAdded(id);
  };
  const move = (index: number, by: -1 | 1): void => {
    const next = [...ids];
    const [moved] = next.splice(index, 1);
    if (moved === undefined) return;
    next.splice(index + by, 0, moved);
    put(places(path, next));
  };
  const remove = (id: string): void => {
    const gone = Object.keys(typed).filter((name) => name.startsWith(`${path}.${id}.`));
    put({ [box]: boxOf(ids.filter((one) => one !== id)), ...Object.fromEntries(gone.map((name) => [name, ""])) });
    heading.current?.focus();
  };

  return (
    <section class={`govuk-form-group app-rows${wrong === undefined ? "" : " govuk-form-group--error"}`} aria-labelledby={`${idOf(path)}-title`}>
      <h2 class="app-label app-rows__title" id={`${idOf(path)}-title`} ref={heading} tabIndex={-1}>
        {field.label}
        {field.need.when !== "always" && <span class="app-need"> ({field.need.words === undefined ? "optional" : `needed ${field.need.words}`})</span>}
      </h2>
      {field.hint !== undefined && <p class="govuk-hint">{field.hint}</p>}
      {wrong !== undefined && <p class="govuk-error-message">{wrong}</p>}
      {ids.map((id, index) => (
        <Row
          key={id}
          field={field}
          path={`${path}.${id}`}
          number={index + 1}
          kept={kept.includes(id)}
          onRemove={() => remove(id)}
          onUp={ordered && index > 0 ? () => move(index, -1) : undefined}
          onDown={ordered && index < ids.length - 1 ? () => move(index, 1) : undefined}
        />
      ))}
      <div id={idOf(path)} tabIndex={-1}>
        <Button look="secondary" about={`to “${field.label}”`} onPress={add}>
          {ids.length === 0 ? "Add" : "Add another"}
        </Button>
      </div>
    </section>
  );
}

interface RowProps {
  readonly field: Field;
  readonly path: string;
  readonly number: number;
  readonly kept: boolean;
  readonly onRemove: () => void;
  readonly onUp: (() => void) | undefined;
  readonly onDown: (() => void) | undefined;
}

function Row({ field, path, number, kept, onRemove, onUp, onDown }: RowProps): JSX.Element {
  const isAsked = (cell: Field): boolean => (kept || cell.name !== LATER) && !(cell.name === PLACE && cell.kind === "int");
  const about = `${number} of “${field.label}”`;
  return (
    <fieldset class="govuk-fieldset app-row">
      <legend class="govuk-fieldset__legend app-row__title">
        {field.label} {number}
      </legend>
      {field.cells.filter(isAsked).map((cell) => (
        <FieldControl key={cell.name} field={cell} path={`${path}.${cell.name}`} fixed={kept && cell.policy === "once"} />
      ))}
      <div class="app-row__doings">
        {onUp !== undefined && (
          <LinkButton about={about} onPress={onUp}>
            Move up
          </LinkButton>
        )}
        {onDown !== undefined && (
          <LinkButton about={about} onPress={onDown}>
            Move down
          </LinkButton>
        )}
        {!kept && (
          <LinkButton about={about} onPress={onRemove}>
            Remove this one
          </LinkButton>
        )}
      </div>
    </fieldset>
  );
}
