/** Search: in all files of this phone, offline. What is sought is kept nowhere. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import { Records } from "./file";
import { useAsked } from "./session";

export function Search(): JSX.Element {
  const [typed, setTyped] = useState("");
  const [sought, setSought] = useState("");
  const found = useAsked(async (device) => (sought === "" ? [] : device.search(sought)), [sought]);
  return (
    <Page title="Search">
      <form
        role="search"
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          setSought(typed.trim());
        }}
      >
        <div class="govuk-form-group">
          <label class="govuk-label app-label" for="words">
            Words
          </label>
          <div class="govuk-hint" id="words-hint">
            All of them have to be in a record. What you find is put on record as read.
          </div>
          <input
            class="govuk-input"
            id="words"
            type="text"
            autocomplete="off"
            autocapitalize="none"
            aria-describedby="words-hint"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="govuk-button">
          Search
        </button>
      </form>
      <div aria-live="polite">
        {sought !== "" && (
          <WhenThere loaded={found}>
            {(there) => (there.length === 0 ? <Body>Nothing on this phone has these words.</Body> : <Body>{there.length === 1 ? "1 record" : `${there.length} records`}</Body>)}
          </WhenThere>
        )}
      </div>
      {sought !== "" && <WhenThere loaded={found}>{(there) => (there.length === 0 ? null : <Records records={there} level={2} />)}</WhenThere>}
    </Page>
  );
}
