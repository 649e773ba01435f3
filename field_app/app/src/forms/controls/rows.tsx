/** Rows: the same few questions as often as there is something to say. What was saved stays, and what changes are its cells. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button, LinkButton } from "../../components/basics";
import { boxOf, firstBox, wordsOf } from "../boxes";
import { idOf, useForm } from "../context";
import type { Field } from "../schema";
import { FieldControl } from "./control";
import { type ControlProps, useWrong } from "./parts";

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
  const ids = wordsOf(typed[box]);
  const kept = wordsOf(before[box]);
  const [first] = field.cells;

  useEffect(() => {
    if (added === undefined || first === undefined) return;
    document.getElementById(idOf(firstBox(first, `${path}.${added}.${first.name}`)))?.focus();
  }, [added]);

  const add = (): void => {
    const id = newRow(ids);
    put({ [box]: boxOf([...ids, id]) });
    setAdded(id);
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
        <Row key={id} field={field} path={`${path}.${id}`} number={index + 1} kept={kept.includes(id)} onRemove={() => remove(id)} />
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
}

function Row({ field, path, number, kept, onRemove }: RowProps): JSX.Element {
  return (
    <fieldset class="govuk-fieldset app-row">
      <legend class="govuk-fieldset__legend app-row__title">
        {field.label} {number}
      </legend>
      {field.cells.map((cell) => (
        <FieldControl key={cell.name} field={cell} path={`${path}.${cell.name}`} fixed={kept && cell.policy === "once"} />
      ))}
      {!kept && (
        <LinkButton about={`${number} from “${field.label}”`} onPress={onRemove}>
          Remove this one
        </LinkButton>
      )}
    </fieldset>
  );
}
