/** Files that go with a record: a photograph of a receipt or of a paper. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { LinkButton } from "../../components/basics";
import { boxOf, wordsOf } from "../boxes";
import { idOf, useForm } from "../context";
import { type ControlProps, Labelled, useDescription } from "./parts";

export function Files({ field, path }: ControlProps): JSX.Element {
  const { typed, put, choices, attach } = useForm();
  const [failed, setFailed] = useState(false);
  const [busy, setBusy] = useState(false);
  const known = choices(field);
  const chosen = wordsOf(typed[path]);
  const take = async (input: HTMLInputElement): Promise<void> => {
    setBusy(true);
    setFailed(false);
    try {
      const kept = await Promise.all([...(input.files ?? [])].map(attach));
      put({ [path]: boxOf([...new Set([...chosen, ...kept.map((one) => one.id)])]) });
    } catch {
      setFailed(true);
    }
    input.value = "";
    setBusy(false);
  };
  return (
    <Labelled field={field} path={path}>
      {chosen.length > 0 && (
        <ul class="govuk-list">
          {chosen.map((id) => {
            const label = known.find((one) => one.id === id)?.label ?? "A file";
            return (
              <li key={id}>
                {label}{" "}
                <LinkButton about={label} onPress={() => put({ [path]: boxOf(chosen.filter((one) => one !== id)) })}>
                  Remove
                </LinkButton>
              </li>
            );
          })}
        </ul>
      )}
      <input
        class="govuk-file-upload"
        id={idOf(path)}
        name={path}
        type="file"
        accept="image/*,application/pdf"
        multiple
        disabled={busy}
        aria-describedby={useDescription({ field, path })}
        onChange={(event) => void take(event.currentTarget)}
      />
      <p class="govuk-hint" aria-live="polite">
        {busy ? "Saving on this phone." : ""}
        {failed ? "That file could not be saved. There may be too little room." : ""}
      </p>
    </Labelled>
  );
}
