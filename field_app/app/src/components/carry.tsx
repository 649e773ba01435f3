/** A long line that one phone hands to another by any way: as a file, or copied. And the box that takes one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { give } from "../platform/giving";
import { Button, Details } from "./basics";

interface CarryOutProps {
  readonly line: string;
  /** Of the file: nothing of what it is for. */
  readonly file: string;
  readonly what: string;
}

export function CarryOut({ line, file, what }: CarryOutProps): JSX.Element {
  const [copied, setCopied] = useState<"yes" | "no">();
  const copy = (): void => {
    navigator.clipboard.writeText(line).then(
      () => setCopied("yes"),
      () => setCopied("no"),
    );
  };
  return (
    <>
      <div class="govuk-button-group">
        <Button onPress={() => give(file, [`${line}\n`], "text/plain")}>Save {what} as a file</Button>
        <Button look="secondary" onPress={copy}>
          Copy it
        </Button>
      </div>
      <p class="govuk-body" role="status">
        {copied === "yes" ? "Copied. Paste it whole." : copied === "no" ? "It could not be copied. Save it as a file." : ""}
      </p>
      <Details summary={`Show ${what}`}>
        <textarea class="govuk-textarea app-code" rows={5} readOnly aria-label={what} value={line} />
      </Details>
    </>
  );
}

interface CarryInProps {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly wrong: string | undefined;
  readonly onType: (text: string) => void;
}

const MOST_BYTES = 1_048_576;

export function CarryIn({ id, label, value, wrong, onType }: CarryInProps): JSX.Element {
  const take = async (file: File | undefined): Promise<void> => {
    if (file !== undefined) onType(file.size > MOST_BYTES ? "" : (await file.text()).trim());
  };
  return (
    <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
      <label class="govuk-label app-label" for={id}>
        {label}
      </label>
      <div class="govuk-hint" id={`${id}-hint`}>
        Paste it whole, or choose its file below.
      </div>
      {wrong !== undefined && (
        <p class="govuk-error-message" id={`${id}-error`}>
          <span class="govuk-visually-hidden">Error:</span> {wrong}
        </p>
      )}
      <textarea
        class={`govuk-textarea${wrong === undefined ? "" : " govuk-textarea--error"}`}
        id={id}
        rows={3}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        aria-describedby={wrong === undefined ? `${id}-hint` : `${id}-hint ${id}-error`}
        value={value}
        onInput={(event) => onType(event.currentTarget.value)}
      />
      <label class="govuk-label" for={`${id}-file`}>
        Or choose the file
      </label>
      <input class="govuk-file-upload" id={`${id}-file`} type="file" accept=".txt,.help,text/plain" onChange={(event) => void take(event.currentTarget.files?.[0])} />
    </div>
  );
}

interface DigitsProps {
  readonly id: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly wrong: string | undefined;
  readonly onType: (text: string) => void;
}

export const DigitsBox = ({ id, label, hint, value, wrong, onType }: DigitsProps): JSX.Element => (
  <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
    <label class="govuk-label app-label" for={id}>
      {label}
    </label>
    <div class="govuk-hint" id={`${id}-hint`}>
      {hint}
    </div>
    {wrong !== undefined && (
      <p class="govuk-error-message" id={`${id}-error`}>
        <span class="govuk-visually-hidden">Error:</span> {wrong}
      </p>
    )}
    <input
      class={`govuk-input govuk-input--width-10 govuk-input--extra-letter-spacing${wrong === undefined ? "" : " govuk-input--error"}`}
      id={id}
      type="text"
      inputMode="numeric"
      autocomplete="off"
      spellcheck={false}
      aria-describedby={wrong === undefined ? `${id}-hint` : `${id}-hint ${id}-error`}
      value={value}
      onInput={(event) => onType(event.currentTarget.value)}
    />
  </div>
);

/** "042917" as it is read out: "042 917". */
export const inThrees = (digits: string): string => `${digits.slice(0, 3)} ${digits.slice(3)}`;
export const SIX_DIGITS = /^\s*\d{3}\s*\d{3}\s*$/;

/** Digits to be read out, large enough to be read at arm's length. */
export const ReadOut = ({ digits }: { readonly digits: string }): JSX.Element => (
  <p class="app-readout" aria-label={[...digits].join(" ")}>
    {inThrees(digits)}
  </p>
);
