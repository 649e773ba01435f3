/** What every control has around it: label or legend, hint, message of what is wrong. */
import type { ComponentChildren, JSX } from "preact";
import { describedBy, idOf, useForm } from "../context";
import { needWords } from "../needs";
import type { Field } from "../schema";

export interface ControlProps {
  readonly field: Field;
  readonly path: string;
}

/** Fields that the words "optional" would not help with: cells of rows that are not there have no need of their own. */
const Need = ({ field }: { readonly field: Field }): JSX.Element | null => {
  const words = needWords(field.need);
  return words === "" ? null : <span class="app-need"> {words}</span>;
};

/** Says what is wrong with any box of the field. */
export function useWrong(path: string): string | undefined {
  const { wrong } = useForm();
  const own = wrong.get(path);
  if (own !== undefined) return own;
  return ["day", "month", "year", "time"].map((box) => wrong.get(`${path}.${box}`)).find((message) => message !== undefined);
}

const ErrorMessage = ({ path, message }: { readonly path: string; readonly message: string }): JSX.Element => (
  <p id={`${idOf(path)}-error`} class="govuk-error-message">
    <span class="govuk-visually-hidden">Error:</span> {message}
  </p>
);

interface Around extends ControlProps {
  readonly hint?: string | undefined;
  readonly children: ComponentChildren;
}

function hintOf(field: Field, more: string | undefined): string | undefined {
  const words = [field.hint, more].filter((one) => one !== undefined).join(" ");
  return words === "" ? undefined : words;
}

/** For one box: the label belongs to it. */
export function Labelled({ field, path, hint, children }: Around): JSX.Element {
  const wrong = useWrong(path);
  const words = hintOf(field, hint);
  return (
    <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
      <label class="govuk-label app-label" for={idOf(path)}>
        {field.label}
        <Need field={field} />
      </label>
      {words !== undefined && (
        <div class="govuk-hint" id={`${idOf(path)}-hint`}>
          {words}
        </div>
      )}
      {wrong !== undefined && <ErrorMessage path={path} message={wrong} />}
      {children}
    </div>
  );
}

/** For several: the legend is what they are about. */
export function Grouped({ field, path, hint, children }: Around): JSX.Element {
  const wrong = useWrong(path);
  const words = hintOf(field, hint);
  return (
    <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
      <fieldset class="govuk-fieldset" aria-describedby={describedBy(path, words !== undefined, wrong !== undefined)}>
        <legend class="govuk-fieldset__legend app-label">
          {field.label}
          <Need field={field} />
        </legend>
        {words !== undefined && (
          <div class="govuk-hint" id={`${idOf(path)}-hint`}>
            {words}
          </div>
        )}
        {wrong !== undefined && <ErrorMessage path={path} message={wrong} />}
        {children}
      </fieldset>
    </div>
  );
}

/** What a box of the field is described by, for the box itself. */
export function useDescription({ field, path }: ControlProps, hint?: string): string | undefined {
  return describedBy(path, hintOf(field, hint) !== undefined, useWrong(path) !== undefined);
}
