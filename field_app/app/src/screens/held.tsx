/** Held work: what a colleague's phone sent after it had lost its place. Somebody who leads the file lets it in or not. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import type { Held, HeldRefusal } from "../device/facade";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";
import { typeWords } from "./words";

const REASONS: readonly (readonly [HeldRefusal, string])[] = [
  ["duplicate", "It is here already"],
  ["wrong_file", "It belongs in another file"],
  ["not_authentic", "They did not write it"],
  ["spill", "It should not have been written here"],
  ["other", "Another reason"],
];

export function HeldWork({ file }: { readonly file: string }): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ held: await device.held(file), title: (await device.file(file)).title }), [file]);
  return (
    <WhenThere loaded={loaded}>
      {({ held, title }) => (
        <Page title="Held for review" caption={title} onBack={() => router.back()}>
          {held.length === 0 && <Body>Nothing is held for this file.</Body>}
          <ul class="govuk-list app-cards">
            {held.map((one) => (
              <One key={one.id} held={one} />
            ))}
          </ul>
        </Page>
      )}
    </WhenThere>
  );
}

function One({ held }: { readonly held: Held }): JSX.Element {
  const { device, now } = useSession();
  const { busy, trouble, act } = useAct();
  const [refusing, setRefusing] = useState(false);
  const [reason, setReason] = useState<HeldRefusal>();
  const about = `from ${held.by}`;
  return (
    <li class="app-card">
      <strong>{held.by}</strong>, on {held.device}
      <p class="app-card__line">Held since {when(held.heldMs, now())}</p>
      <ul class="govuk-list govuk-list--bullet">
        {held.records.map((record, index) => (
          <li key={index}>
            {typeWords(record.type)}: {record.line}
          </li>
        ))}
      </ul>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {refusing ? (
        <>
          <div class="govuk-form-group">
            <fieldset class="govuk-fieldset">
              <legend class="govuk-fieldset__legend app-label">Why it is not let in</legend>
              <div class="govuk-radios govuk-radios--small">
                {REASONS.map(([value, words]) => (
                  <div class="govuk-radios__item" key={value}>
                    <input
                      class="govuk-radios__input"
                      id={`${held.id}-${value}`}
                      name={held.id}
                      type="radio"
                      autocomplete="off"
                      checked={reason === value}
                      onChange={() => setReason(value)}
                    />
                    <label class="govuk-label govuk-radios__label" for={`${held.id}-${value}`}>
                      {words}
                    </label>
                  </div>
                ))}
              </div>
            </fieldset>
          </div>
          <div class="govuk-button-group">
            <Button
              look="warning"
              about={about}
              onPress={() => act(async () => (reason === undefined ? undefined : device.refuse(held.file, held.id, reason)))}
              disabled={busy || reason === undefined}
            >
              Do not let it in
            </Button>
            <Button look="secondary" about={about} onPress={() => setRefusing(false)}>
              Go back
            </Button>
          </div>
        </>
      ) : (
        <div class="govuk-button-group">
          <Button about={about} onPress={() => act(() => device.admit(held.file, held.id))} disabled={busy}>
            Let it in
          </Button>
          <Button look="secondary" about={about} onPress={() => setRefusing(true)}>
            Do not
          </Button>
        </div>
      )}
    </li>
  );
}
