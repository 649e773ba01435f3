/**
 * Words in a colleague's own hand for the other side: a second person reads exactly these, and so sends them
 * (docs/spec.md §15.6).
 */
import { look, seenWords } from "@fieldkeep/core/parcel/wording";
import { type JSX, h } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, ErrorSummary, Inset, Warning } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { SummaryList, Tag } from "../components/patterns";
import type { WordsAsked } from "../device/facade";
import { showDate } from "../forms/show";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";

export function Agree(): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked((device) => device.wordsWaiting(), []);
  return (
    <Page title="Words that wait for you" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {(there) =>
          there.length === 0 ? (
            <Body>Nobody asks you to read anything.</Body>
          ) : (
            <ul class="govuk-list app-cards">
              {there.map((one) => (
                <li class="app-card" key={one.record}>
                  <TheWords asked={one} level={2} />
                </li>
              ))}
            </ul>
          )
        }
      </WhenThere>
    </Page>
  );
}

/** What in a text has the form of something that tells: what stops it, and what to look at again. */
export function Looked({ text }: { readonly text: string }): JSX.Element {
  const seen = look(text);
  const [stops, rest] = [seen.filter((one) => one.stops), seen.filter((one) => !one.stops)];
  return (
    <div role="status">
      {stops.length > 0 && <Warning>These are never sent: {stops.map(seenWords).join(", ")}. Say what to do, and no fact.</Warning>}
      {rest.length > 0 && <Inset>Look at these again: {rest.map(seenWords).join(", ")}. Do they say what to do, or what is so?</Inset>}
    </div>
  );
}

const STATES: Readonly<Record<WordsAsked["state"], readonly [string, "blue" | "green" | "grey"]>> = {
  open: ["Waits for a second person", "blue"],
  agreed: ["Agreed, on its way", "green"],
  sent: ["Sent", "green"],
  ended: ["Too late", "grey"],
  withdrawn: ["Taken back", "grey"],
};

/** One request, and what this person can do about it. */
export function TheWords({ asked, level = 3 }: { readonly asked: WordsAsked; readonly level?: 2 | 3 }): JSX.Element {
  const { now } = useSession();
  const { title, to, by, mine, text, says, from, until, ringFirst, why, basedOn, herView, state, endsMs } = asked;
  const [words, colour] = STATES[state];
  return (
    <>
      {h(`h${level}`, { class: "govuk-heading-s app-card__title" }, `${mine ? "You ask" : `${by} asks`} to tell ${to}`)}
      <p class="app-card__line">
        <Tag colour={colour}>{words}</Tag>
      </p>
      <blockquote class="govuk-inset-text app-words">{text}</blockquote>
      {state === "open" && <Looked text={text} />}
      <SummaryList
        rows={[
          ...(says.length === 0 ? [] : [{ key: "Besides", value: says.join(", ") }]),
          { key: "In force", value: `${showDate(from)} to ${showDate(until)}` },
          { key: "They ring first", value: ringFirst },
          { key: "About (stays here)", value: title },
          { key: "Known from (stays here)", value: basedOn.join(", ") || "Not said" },
          { key: "Why (stays here)", value: why ?? "Not said" },
          { key: "Her view (stays here)", value: herView ?? "Not said" },
        ]}
      />
      {state === "open" && <p class="app-card__line">Somebody can agree until {when(endsMs, now())}.</p>}
      {mine ? (state === "open" || state === "agreed") && <TakeBack asked={asked} /> : state === "open" && <Send asked={asked} />}
    </>
  );
}

interface Props {
  readonly asked: WordsAsked;
}

function Send({ asked: { file, record, title } }: Props): JSX.Element {
  const { device } = useSession();
  const { busy, trouble, act } = useAct();
  const [sure, setSure] = useState(false);
  const send = (): void => act(() => device.agreeTo(file, record));
  if (!sure)
    return (
      <Button onPress={() => setSure(true)} about={`about ${title}`}>
        I agree
      </Button>
    );
  return (
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <Body>They read these words and nothing else. What is sent cannot be taken back.</Body>
      <div class="govuk-button-group">
        <Button look="warning" onPress={send} disabled={busy}>
          Send exactly these words
        </Button>
        <Button look="secondary" onPress={() => setSure(false)} disabled={busy}>
          Not now
        </Button>
      </div>
    </>
  );
}

function TakeBack({ asked: { file, record, title } }: Props): JSX.Element {
  const { device } = useSession();
  const [open, setOpen] = useState(false);
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState<string>();
  const { busy, trouble, act } = useAct();
  const id = `back-${record}`;
  const send = (): void => {
    setWrong(why.trim() === "" ? "Say why you take it back" : undefined);
    if (why.trim() !== "") act(() => device.withdrawWords(file, record, why.trim()));
  };
  if (!open)
    return (
      <Button look="secondary" onPress={() => setOpen(true)} about={`about ${title}`}>
        Take it back
      </Button>
    );
  return (
    <>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: id }]} />
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
        <label class="govuk-label app-label" for={id}>
          Why do you take it back?
        </label>
        {wrong !== undefined && (
          <p class="govuk-error-message" id={`${id}-error`}>
            <span class="govuk-visually-hidden">Error:</span> {wrong}
          </p>
        )}
        <input
          class={`govuk-input${wrong === undefined ? "" : " govuk-input--error"}`}
          id={id}
          autocomplete="off"
          aria-describedby={wrong === undefined ? undefined : `${id}-error`}
          value={why}
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
      </div>
      <div class="govuk-button-group">
        <Button look="secondary" onPress={send} disabled={busy}>
          Take these words back
        </Button>
        <Button look="secondary" onPress={() => setOpen(false)} disabled={busy}>
          Not now
        </Button>
      </div>
    </>
  );
}
