/** Screens in front of what is sealed. None of them says what the app is, or for whom. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, ErrorSummary, Inset, LinkButton } from "../components/basics";
import { Page, TroubleBox } from "../components/page";
import { Alert } from "../components/patterns";
import type { Trouble } from "../device/facade";
import { triesLeft, waitAfter, waitLeft } from "../store/attempts";
import { StoreRefusal } from "../store/refusal";
import type { Store } from "../store/store";
import { troubleOf } from "./session";
import { countdown } from "./times";

interface PassphraseProps {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly value: string;
  readonly wrong?: string | undefined;
  readonly disabled?: boolean;
  readonly onType: (text: string) => void;
}

export function Passphrase({ id, label, hint, value, wrong, disabled = false, onType }: PassphraseProps): JSX.Element {
  const [seen, setSeen] = useState(false);
  const described = [hint === undefined ? "" : `${id}-hint`, wrong === undefined ? "" : `${id}-error`].filter((one) => one !== "").join(" ");
  return (
    <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
      <label class="govuk-label app-label" for={id}>
        {label}
      </label>
      {hint !== undefined && (
        <div class="govuk-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {wrong !== undefined && (
        <p class="govuk-error-message" id={`${id}-error`}>
          <span class="govuk-visually-hidden">Error:</span> {wrong}
        </p>
      )}
      <div class="app-passphrase">
        <input
          class={`govuk-input${wrong === undefined ? "" : " govuk-input--error"}`}
          id={id}
          {...(seen ? { type: "text" as const } : { type: "password" as const })}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          disabled={disabled}
          aria-describedby={described === "" ? undefined : described}
          value={value}
          onInput={(event) => onType(event.currentTarget.value)}
        />
        <button type="button" class="govuk-button govuk-button--secondary" onClick={() => setSeen(!seen)}>
          {seen ? "Hide" : "Show"}
          <span class="govuk-visually-hidden"> the passphrase</span>
        </button>
      </div>
    </div>
  );
}

export const Door = ({ children }: { readonly children: JSX.Element }): JSX.Element => <div class="govuk-width-container app-door">{children}</div>;

/** While what is sealed is being read. */
export const Opening = (): JSX.Element => (
  <Door>
    <p class="govuk-body" role="status">
      Opening
    </p>
  </Door>
);

interface LockProps {
  readonly store: Store;
  readonly now: () => number;
  /** Where something can be done about a forgotten passphrase. */
  readonly onForgotten?: (() => void) | undefined;
}

function attemptWords(store: Store): string {
  const { attempts } = store;
  const left = triesLeft(attempts);
  const next = countdown(waitAfter(attempts.failures + left));
  return `That is not the passphrase. ${left === 1 ? "After one more, you" : `After ${left} more, you`} have to wait ${next}.`;
}

export function Lock({ store, now, onForgotten }: LockProps): JSX.Element {
  const [typed, setTyped] = useState("");
  const [wrong, setWrong] = useState<string>();
  const [trouble, setTrouble] = useState<Trouble>();
  const [busy, setBusy] = useState(false);
  const [wait, setWait] = useState(waitLeft(store.attempts, now()));

  useEffect(() => {
    if (wait === 0) return undefined;
    const timer = setInterval(() => setWait(waitLeft(store.attempts, now())), 500);
    return () => clearInterval(timer);
  }, [wait === 0]);

  const unlock = async (): Promise<void> => {
    setBusy(true);
    setWrong(undefined);
    setTrouble(undefined);
    try {
      await store.unlock(typed);
    } catch (error) {
      setTyped("");
      if (error instanceof StoreRefusal && (error.why === "wrong-passphrase" || error.why === "wait")) {
        setWait(waitLeft(store.attempts, now()));
        setWrong(error.why === "wait" ? "Wait before you try again." : attemptWords(store));
      } else setTrouble(troubleOf(error));
      setBusy(false);
    }
  };
  return (
    <Door>
      <Page title="Notes">
        {trouble !== undefined && <TroubleBox trouble={trouble} />}
        <form
          autocomplete="off"
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy && wait === 0 && typed !== "") void unlock();
          }}
        >
          <Passphrase id="passphrase" label="Passphrase" value={typed} wrong={wrong} onType={setTyped} />
          {wait > 0 && (
            <div class="govuk-inset-text" role="timer">
              You can try again in {countdown(wait)}.
            </div>
          )}
          <button type="submit" class="govuk-button" disabled={busy || wait > 0} aria-disabled={busy}>
            {busy ? "Opening" : "Open"}
          </button>
        </form>
        {onForgotten !== undefined && (
          <p class="govuk-body">
            <LinkButton onPress={onForgotten} disabled={busy}>
              I have forgotten it
            </LinkButton>
          </p>
        )}
      </Page>
    </Door>
  );
}

export function Setup({ store }: { readonly store: Store }): JSX.Element {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [wrong, setWrong] = useState<{ readonly box: "first" | "second"; readonly words: string }>();
  const [busy, setBusy] = useState(false);
  const create = async (): Promise<void> => {
    if (first !== second) return setWrong({ box: "second", words: "The two passphrases are not the same" });
    setBusy(true);
    setWrong(undefined);
    try {
      await store.create(first);
    } catch (error) {
      const short = error instanceof StoreRefusal && error.why === "too-short";
      setWrong({ box: "first", words: short ? "Your passphrase must be 8 characters or more" : troubleOf(error).what });
      setBusy(false);
    }
  };
  return (
    <Door>
      <Page title="Choose a passphrase">
        <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong.words, target: wrong.box }]} />
        <Body>It opens this app on this phone. Three or four words that have nothing to do with you are best.</Body>
        <Inset>Nobody can look it up for you. If you forget it, a colleague can help you in again.</Inset>
        <form
          autocomplete="off"
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) void create();
          }}
        >
          <Passphrase
            id="first"
            label="Passphrase"
            hint="8 characters or more."
            value={first}
            wrong={wrong?.box === "first" ? wrong.words : undefined}
            onType={setFirst}
          />
          <Passphrase
            id="second"
            label="The same again"
            value={second}
            wrong={wrong?.box === "second" ? wrong.words : undefined}
            onType={setSecond}
          />
          <button type="submit" class="govuk-button" disabled={busy}>
            {busy ? "One moment" : "Continue"}
          </button>
        </form>
      </Page>
    </Door>
  );
}

export function Elsewhere({ store }: { readonly store: Store }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const take = async (): Promise<void> => {
    setBusy(true);
    await store.takeOver().catch(() => undefined);
    setBusy(false);
  };
  return (
    <Door>
      <Page title="Open in another window">
        <Body>This app is open in another window or tab. Only one of them can write.</Body>
        <Body>If you go on here, the other one is locked. What was typed there is kept.</Body>
        <Button onPress={() => void take()} disabled={busy}>
          {busy ? "One moment" : "Use it here"}
        </Button>
      </Page>
    </Door>
  );
}

/** What is left on screen after "Hide now": a page of notes with nothing in it. */
export const Neutral = ({ onOpen }: { readonly onOpen: () => void }): JSX.Element => (
  <Door>
    <Page title="Notes">
      <Body>You have no notes yet.</Body>
      <Button look="secondary" onPress={onOpen}>
        New note
      </Button>
    </Page>
  </Door>
);

/** Another worker took over, and nobody had asked for it: nothing is opened any more, and no passphrase asked for. */
export const Replaced = (): JSX.Element => (
  <Door>
    <Page title="Notes">
      <Alert kind="error" heading="This app was replaced while it was open">
        <p>The service offered an update that is not ours, and the browser has started it by itself. What was open is locked.</p>
        <p>Close every window of this app. Ring your coordinator before you type your passphrase again.</p>
      </Alert>
    </Page>
  </Door>
);
