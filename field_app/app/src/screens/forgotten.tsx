/** A forgotten passphrase, on the phone that it locks: a request, six digits there and back, the answer. Nothing that was not sent is lost. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Details, ErrorSummary, Inset, LinkButton, type Problem, Section } from "../components/basics";
import { CarryIn, CarryOut, DigitsBox, ReadOut, SIX_DIGITS } from "../components/carry";
import { Page, TroubleBox } from "../components/page";
import type { Trouble } from "../device/facade";
import type { Asking, Forgotten } from "../device/forgotten";
import { StoreRefusal } from "../store/refusal";
import type { Store } from "../store/store";
import { Door, Passphrase } from "./doors";
import { troubleOf } from "./session";
import { when } from "./times";

interface Props {
  readonly store: Store;
  readonly forgotten: Forgotten;
  readonly now: () => number;
  readonly onBack: () => void;
}

export function ForgottenScreen({ store, forgotten, now, onBack }: Props): JSX.Element {
  const [asking, setAsking] = useState(forgotten.asking(store));
  if (!forgotten.canHelp(store)) return <Nobody onBack={onBack} />;
  return (
    <Door>
      {asking === undefined ? (
        <Ask key="ask" store={store} forgotten={forgotten} onBack={onBack} onAsked={setAsking} />
      ) : (
        <Waiting key={asking.untilMs} store={store} forgotten={forgotten} now={now} asking={asking} onBack={onBack} onAgain={() => setAsking(undefined)} />
      )}
    </Door>
  );
}

const Nobody = ({ onBack }: { readonly onBack: () => void }): JSX.Element => (
  <Door>
    <Page title="Nobody can help with this phone" onBack={onBack}>
      <Body>It has not been in touch with its service since somebody could help, or its role may not be helped.</Body>
      <Section>What is lost</Section>
      <Body>What was written on this phone and not sent, unless the passphrase comes back to you.</Body>
      <Section>What is not lost</Section>
      <Body>Everything that was sent. An administrator invites you for another phone, and it is all there.</Body>
      <Inset>Keep this phone, and do not clear the app. Ask for the old one to be removed from the service.</Inset>
    </Page>
  </Door>
);

interface AskProps {
  readonly store: Store;
  readonly forgotten: Forgotten;
  readonly onBack: () => void;
  readonly onAsked: (asking: Asking) => void;
}

function Ask({ store, forgotten, onBack, onAsked }: AskProps): JSX.Element {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [trouble, setTrouble] = useState<Trouble>();
  const [busy, setBusy] = useState(false);
  const wrongAt = (target: string): string | undefined => problems.find((one) => one.target === target)?.message;
  const ask = async (): Promise<void> => {
    setTrouble(undefined);
    if (first !== second) return setProblems([{ message: "The two passphrases are not the same", target: "next-again" }]);
    setBusy(true);
    setProblems([]);
    try {
      onAsked(await forgotten.ask(store, first));
    } catch (error) {
      if (error instanceof StoreRefusal && error.why === "too-short") setProblems([{ message: "Your new passphrase must be 8 characters or more", target: "next" }]);
      else setTrouble(troubleOf(error));
      setBusy(false);
    }
  };
  return (
    <Page title="Forgotten passphrase" onBack={onBack}>
      <ErrorSummary problems={problems} />
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <Body>A colleague can let you in again. You need to reach them by telephone, and it takes about ten minutes.</Body>
      <Inset>Nothing on this phone is lost by it. What you had not sent goes out afterwards.</Inset>
      <Details summary="Who can help">
        <p>Your coordinator. If you are a therapist, your lead. Another phone of yours. Or whoever holds the recovery shares of your service.</p>
      </Details>
      <Section>Choose a new passphrase first</Section>
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void ask();
        }}
      >
        <Passphrase id="next" label="New passphrase" hint="8 characters or more. You need it again at the end." value={first} wrong={wrongAt("next")} onType={setFirst} />
        <Passphrase id="next-again" label="The same again" value={second} wrong={wrongAt("next-again")} onType={setSecond} />
        <button type="submit" class="govuk-button" disabled={busy}>
          {busy ? "One moment" : "Ask for help"}
        </button>
      </form>
    </Page>
  );
}

interface WaitingProps extends Props {
  readonly asking: Asking;
  readonly onAgain: () => void;
}

function Waiting({ store, forgotten, now, asking, onBack, onAgain }: WaitingProps): JSX.Element {
  return (
    <Page title="Ask a colleague to let you in" onBack={onBack}>
      <Body>You have until {when(asking.untilMs, now())}. You can close the app meanwhile: come back the same way.</Body>
      <Section>1. Send this to them</Section>
      <Body>By any way. It says nothing about you to anybody else.</Body>
      <CarryOut line={asking.line} file="please-help.txt" what="the request" />
      <Section>2. Telephone</Section>
      <Body>They ring you back on a number that they know, and read out six digits.</Body>
      <ReadBack store={store} forgotten={forgotten} />
      <Section>3. Open it with what they send</Section>
      <Finish store={store} forgotten={forgotten} />
      <LinkButton onPress={onAgain}>Begin again with another passphrase</LinkButton>
    </Page>
  );
}

type AtLock = Pick<Props, "store" | "forgotten">;

function ReadBack({ store, forgotten }: AtLock): JSX.Element {
  const [heard, setHeard] = useState("");
  const [back, setBack] = useState<string>();
  const [wrong, setWrong] = useState<string>();
  const show = (): void => {
    setBack(undefined);
    if (!SIX_DIGITS.test(heard)) return setWrong("Type the six digits that you hear");
    setWrong(undefined);
    try {
      setBack(forgotten.readBack(store, heard));
    } catch {
      setWrong("The request is more than an hour old. Begin again");
    }
  };
  return (
    <form
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        show();
      }}
    >
      <DigitsBox id="heard" label="The six digits that they read out" hint="For example, 123 456." value={heard} wrong={wrong} onType={setHeard} />
      <button type="submit" class="govuk-button govuk-button--secondary">
        Show what to read back
      </button>
      <div role="status">
        {back !== undefined && (
          <>
            <Body>Read these back to them:</Body>
            <ReadOut digits={back} />
          </>
        )}
      </div>
    </form>
  );
}

function Finish({ store, forgotten }: AtLock): JSX.Element {
  const [answer, setAnswer] = useState("");
  const [typed, setTyped] = useState("");
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const [trouble, setTrouble] = useState<Trouble>();
  const [busy, setBusy] = useState(false);
  const wrongAt = (target: string): string | undefined => problems.find((one) => one.target === target)?.message;
  const refused = (error: unknown): void => {
    if (error instanceof StoreRefusal && error.why === "wrong-passphrase") {
      setTyped("");
      return setProblems([{ message: "That is not the new passphrase that you chose with this request", target: "chosen" }]);
    }
    const found = troubleOf(error);
    if (found.code === "malformed") setProblems([{ message: "That is not a whole answer. Copy it again, or choose the file", target: "answer" }]);
    else setTrouble(found);
  };
  const open = async (): Promise<void> => {
    setTrouble(undefined);
    const missing = [
      ...(answer.trim() === "" ? [{ message: "Paste the answer that you were sent, or choose its file", target: "answer" }] : []),
      ...(typed === "" ? [{ message: "Type the new passphrase that you chose", target: "chosen" }] : []),
    ];
    setProblems(missing);
    if (missing.length > 0) return;
    setBusy(true);
    try {
      await forgotten.finish(store, answer, typed); // the app opens, and this screen goes
    } catch (error) {
      refused(error);
      setBusy(false);
    }
  };
  return (
    <form
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void open();
      }}
    >
      <ErrorSummary problems={problems} />
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <CarryIn id="answer" label="Their answer" value={answer} wrong={wrongAt("answer")} onType={setAnswer} />
      <Passphrase id="chosen" label="Your new passphrase" hint="The one that you chose when you asked." value={typed} wrong={wrongAt("chosen")} onType={setTyped} />
      <button type="submit" class="govuk-button" disabled={busy}>
        {busy ? "Opening" : "Open"}
      </button>
    </form>
  );
}
