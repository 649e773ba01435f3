/** Boxes that are typed into: words, numbers, pounds, days and times. */
import type { JSX } from "preact";
import { LinkButton } from "../../components/basics";
import { LONG_CHARACTERS } from "../boxes";
import { idOf, useForm } from "../context";
import { whenBoxes, whenOf } from "../dates";
import type { Field } from "../schema";
import { NoAnswer } from "./options";
import { type ControlProps, Grouped, Labelled, useDescription, useWrong } from "./parts";

interface Manner {
  readonly inputMode: "text" | "numeric" | "decimal";
  readonly width: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly hint?: string;
}

const NUMBER: Manner = { inputMode: "numeric", width: "govuk-input--width-5" };

function mannerOf(field: Field): Manner {
  switch (field.shape) {
    case "pence_above_zero":
      return { inputMode: "decimal", width: "govuk-input--width-10", prefix: "£" };
    case "minutes":
      return { ...NUMBER, suffix: "minutes" };
    case "score":
      return { ...NUMBER, hint: "From 0 to 10." };
    case "count":
    case "list_version":
    case "number":
      return NUMBER;
    default:
      return { inputMode: "text", width: "" };
  }
}

const errorClass = (kind: "input" | "textarea", wrong: string | undefined): string => (wrong === undefined ? "" : ` govuk-${kind}--error`);

export function Line({ field, path }: ControlProps): JSX.Element {
  const { typed, put } = useForm();
  const { inputMode, width, prefix, suffix, hint } = mannerOf(field);
  const wrong = useWrong(path);
  const description = useDescription({ field, path }, hint);
  const box = (
    <input
      class={`govuk-input ${width}${errorClass("input", wrong)}`}
      id={idOf(path)}
      name={path}
      type="text"
      inputMode={inputMode}
      spellcheck={inputMode === "text"}
      autocomplete="off"
      autocapitalize={inputMode === "text" ? "sentences" : "off"}
      aria-describedby={description}
      value={typed[path] ?? ""}
      onInput={(event) => put({ [path]: event.currentTarget.value, [`${path}.none`]: "" })}
    />
  );
  return (
    <Labelled field={field} path={path} hint={hint}>
      {prefix === undefined && suffix === undefined ? (
        box
      ) : (
        <div class="govuk-input__wrapper">
          {prefix !== undefined && (
            <div class="govuk-input__prefix" aria-hidden="true">
              {prefix}
            </div>
          )}
          {box}
          {suffix !== undefined && (
            <div class="govuk-input__suffix" aria-hidden="true">
              {suffix}
            </div>
          )}
        </div>
      )}
      <NoAnswer field={field} path={path} boxes={[path]} />
    </Labelled>
  );
}

const NEARLY_FULL = LONG_CHARACTERS - 2_000;

export function Text({ field, path }: ControlProps): JSX.Element {
  const { typed, put } = useForm();
  const text = typed[path] ?? "";
  const wrong = useWrong(path);
  const left = LONG_CHARACTERS - text.length;
  return (
    <Labelled field={field} path={path}>
      <textarea
        class={`govuk-textarea${errorClass("textarea", wrong)}`}
        id={idOf(path)}
        name={path}
        rows={5}
        autocomplete="off"
        aria-describedby={useDescription({ field, path })}
        value={text}
        onInput={(event) => put({ [path]: event.currentTarget.value, [`${path}.none`]: "" })}
      />
      {text.length > NEARLY_FULL && (
        <p class="govuk-hint" aria-live="polite">
          {left >= 0 ? `${left} characters left` : `${-left} characters too many`}
        </p>
      )}
      <NoAnswer field={field} path={path} boxes={[path]} />
    </Labelled>
  );
}

interface PartProps {
  readonly box: string;
  readonly label: string;
  readonly width: string;
  readonly wrong: boolean;
  readonly reason: string;
  readonly numeric?: boolean;
}

function Part({ box, label, width, wrong, reason, numeric = true }: PartProps): JSX.Element {
  const { typed, put } = useForm();
  return (
    <div class="govuk-date-input__item">
      <div class="govuk-form-group">
        <label class="govuk-label govuk-date-input__label" for={idOf(box)}>
          {label}
        </label>
        <input
          class={`govuk-input govuk-date-input__input ${width}${wrong ? " govuk-input--error" : ""}`}
          id={idOf(box)}
          name={box}
          type="text"
          inputMode={numeric ? "numeric" : "text"}
          autocomplete="off"
          value={typed[box] ?? ""}
          onInput={(event) => put({ [box]: event.currentTarget.value, [reason]: "" })}
        />
      </div>
    </div>
  );
}

const dayBoxNames = (path: string): readonly string[] => [`${path}.day`, `${path}.month`, `${path}.year`];

function DayBoxes({ path }: { readonly path: string }): JSX.Element {
  const { wrong } = useForm();
  const whole = wrong.has(path);
  const bad = (box: string): boolean => whole || wrong.has(`${path}.${box}`);
  const reason = `${path}.none`;
  return (
    <>
      <Part box={`${path}.day`} label="Day" width="govuk-input--width-2" wrong={bad("day")} reason={reason} />
      <Part box={`${path}.month`} label="Month" width="govuk-input--width-2" wrong={bad("month")} reason={reason} />
      <Part box={`${path}.year`} label="Year" width="govuk-input--width-4" wrong={bad("year")} reason={reason} />
    </>
  );
}

export function Day({ field, path }: ControlProps): JSX.Element {
  return (
    <Grouped field={field} path={path} hint={field.shape === "date_or_year" ? "The year alone will do." : undefined}>
      <div class="govuk-date-input">
        <DayBoxes path={path} />
      </div>
      <NoAnswer field={field} path={path} boxes={dayBoxNames(path)} />
    </Grouped>
  );
}

export function Moment({ field, path }: ControlProps): JSX.Element {
  const { typed, wrong, put, now } = useForm();
  const reason = `${path}.none`;
  const setNow = (): void => {
    const { about: _exact, ...boxes } = whenBoxes(whenOf(now()));
    put({ ...Object.fromEntries(Object.entries(boxes).map(([box, text]) => [`${path}.${box}`, text])), [`${path}.about`]: "", [reason]: "" });
  };
  const aboutId = idOf(`${path}.about`);
  return (
    <Grouped field={field} path={path} hint="Leave out what you do not know.">
      <div class="govuk-date-input">
        <DayBoxes path={path} />
        <Part box={`${path}.time`} label="Time" width="govuk-input--width-5" wrong={wrong.has(`${path}.time`)} reason={reason} numeric={false} />
      </div>
      <div class="app-when">
        <div class="govuk-checkboxes govuk-checkboxes--small">
          <div class="govuk-checkboxes__item">
            <input
              class="govuk-checkboxes__input"
              id={aboutId}
              name={`${path}.about`}
              type="checkbox"
              autocomplete="off"
              checked={typed[`${path}.about`] === "yes"}
              onChange={(event) => put({ [`${path}.about`]: event.currentTarget.checked ? "yes" : "", [reason]: "" })}
            />
            <label class="govuk-label govuk-checkboxes__label" for={aboutId}>
              About then
            </label>
          </div>
        </div>
        <LinkButton about={`for “${field.label}”`} onPress={setNow}>
          Now
        </LinkButton>
      </div>
      <NoAnswer field={field} path={path} boxes={[...dayBoxNames(path), `${path}.time`, `${path}.about`]} />
    </Grouped>
  );
}
