/**
 * Pictures that go with a record: of a receipt, of a paper, of what somebody saw. Each is on this phone as soon as it is taken, and goes out when the record
 * is saved; taken out of the form before that, it is gone.
 */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { LinkButton } from "../../components/basics";
import { Picture } from "../../components/picture";
import { Trouble } from "../../device/trouble";
import { boxOf, wordsOf } from "../boxes";
import { idOf, useForm } from "../context";
import { type ControlProps, Labelled, useDescription } from "./parts";

const NO_ROOM = "That picture could not be saved. There may be too little room on this phone.";
const wordsFor = (error: unknown): string => (error instanceof Trouble ? `${error.what} ${error.why}` : NO_ROOM);

export function Files({ field, path }: ControlProps): JSX.Element {
  const { typed, before, put, pictures } = useForm();
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const chosen = wordsOf(typed[path]);
  const fixed = wordsOf(before[path]);
  const kind = field.name === "receipt" ? "receipt" : "photo";
  const label = (at: number): string => `${kind === "receipt" ? "Receipt" : "Photograph"} ${at + 1}`;
  const take = async (input: HTMLInputElement): Promise<void> => {
    setBusy(true);
    setWrong("");
    const kept: string[] = [];
    try {
      for (const file of input.files ?? []) kept.push((await pictures.attach(file, kind)).id); // one at a time: a phone has room to draw one
    } catch (error) {
      setWrong(wordsFor(error));
    }
    if (kept.length > 0) put({ [path]: boxOf([...new Set([...chosen, ...kept])]) });
    input.value = "";
    setBusy(false);
  };
  const takeOut = async (id: string): Promise<void> => {
    put({ [path]: boxOf(chosen.filter((one) => one !== id)) });
    await pictures.takeBack(id).catch((error: unknown) => setWrong(wordsFor(error)));
  };
  return (
    <Labelled field={field} path={path}>
      {chosen.length > 0 && (
        <ul class="govuk-list">
          {chosen.map((id, at) => (
            <li key={id}>
              <Picture record={id} label={label(at)} load={pictures.show} />
              {!fixed.includes(id) && (
                <LinkButton about={label(at)} onPress={() => void takeOut(id)} disabled={busy}>
                  Remove
                </LinkButton>
              )}
            </li>
          ))}
        </ul>
      )}
      <input
        class="govuk-file-upload"
        id={idOf(path)}
        name={path}
        type="file"
        accept="image/*"
        multiple
        disabled={busy}
        aria-describedby={useDescription({ field, path })}
        onChange={(event) => void take(event.currentTarget)}
      />
      <p class="govuk-hint" aria-live="polite">
        {busy ? "Taking the place and the date out of it, and saving it on this phone." : wrong}
      </p>
    </Labelled>
  );
}
