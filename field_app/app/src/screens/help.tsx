/** A colleague has forgotten their passphrase: whose phone it is, six digits there and back, and the answer. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, ErrorSummary, Inset, Section, Warning } from "../components/basics";
import { CarryIn, CarryOut, DigitsBox, ReadOut, SIX_DIGITS } from "../components/carry";
import { Page, TroubleBox } from "../components/page";
import { Alert, SummaryList } from "../components/patterns";
import type { HelpAsked } from "../device/facade";
import { sentence } from "../forms/schema";
import { Shares, given } from "./recovery";
import { useAct, useSession } from "./session";

const CAREFUL: Readonly<Record<HelpAsked["warnings"][number], string>> = {
  "time-is-off": "Its request is more than an hour old, or its clock is wrong. Ask them to make a new one.",
  "certificate-ended": "This phone’s time on the service is over.",
  "device-lost-lately": "Another phone of theirs was lost or stolen within the last month. Be sure that you speak to them.",
};

/** What is said of shares before any digits are used up: they can be put right. */
const SHARES_WRONG: ReadonlySet<string> = new Set(["bad-share", "too-few-shares"]);

export function HelpScreen(): JSX.Element {
  const { router, device } = useSession();
  const [request, setRequest] = useState("");
  const [asked, setAsked] = useState<HelpAsked>();
  const [answer, setAnswer] = useState<string>();
  const [wrong, setWrong] = useState<string>();
  const [withShares, setWithShares] = useState(false);
  const { busy, trouble, act } = useAct();
  const look = (): void => {
    setWrong(request.trim() === "" ? "Paste the request that you were sent, or choose its file" : undefined);
    if (request.trim() !== "") act(async () => setAsked(await device.askedToHelp(request, withShares)));
  };
  const again = (): void => setAsked(undefined);
  return (
    <Page key={answer === undefined ? (asked === undefined ? "ask" : "asked") : "done"} title="Help a colleague in" onBack={() => router.back()}>
      {answer !== undefined && asked !== undefined ? (
        <Done asked={asked} answer={answer} />
      ) : asked !== undefined ? (
        <Compare request={request} asked={asked} withShares={withShares} onAnswer={setAnswer} onAgain={again} />
      ) : (
        <>
          <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: "request" }]} />
          {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={look} />}
          <Body>Somebody has forgotten the passphrase of their phone and has sent you a request. You need a signal.</Body>
          <Inset>You see whose phone it is, and never what is on it.</Inset>
          <form
            autocomplete="off"
            onSubmit={(event) => {
              event.preventDefault();
              if (!busy) look();
            }}
          >
            <CarryIn id="request" label="Their request" value={request} wrong={wrong} onType={setRequest} />
            <div class="govuk-form-group govuk-checkboxes">
              <div class="govuk-checkboxes__item">
                <input class="govuk-checkboxes__input" id="with-shares" type="checkbox" autocomplete="off" checked={withShares} onChange={(event) => setWithShares(event.currentTarget.checked)} />
                <label class="govuk-label govuk-checkboxes__label" for="with-shares">
                  No colleague can help: I have the recovery shares here
                </label>
              </div>
            </div>
            <button type="submit" class="govuk-button" disabled={busy}>
              {busy ? "One moment" : "Continue"}
            </button>
          </form>
        </>
      )}
    </Page>
  );
}

interface CompareProps {
  readonly request: string;
  readonly asked: HelpAsked;
  readonly withShares: boolean;
  readonly onAnswer: (answer: string) => void;
  readonly onAgain: () => void;
}

function Compare({ request, withShares, asked: { name, label, roles, warnings, readOut }, onAnswer, onAgain }: CompareProps): JSX.Element {
  const { device } = useSession();
  const [typed, setTyped] = useState("");
  const [shares, setShares] = useState<readonly string[]>([""]);
  const [wrong, setWrong] = useState<string>();
  const { busy, trouble, act } = useAct();
  const isOver = trouble !== undefined && !SHARES_WRONG.has(trouble.code);
  const send = (): void => {
    setWrong(SIX_DIGITS.test(typed) ? undefined : "Type the six digits that they read back");
    if (SIX_DIGITS.test(typed)) act(async () => onAnswer(await device.help(request, typed, withShares ? given(shares) : undefined)));
  };
  return (
    <>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: "back" }]} />
      <SummaryList
        rows={[
          { key: "Who asks", value: name },
          { key: roles.length === 1 ? "Role" : "Roles", value: sentence(roles.map((role) => role.replaceAll("_", " ")).join(", ")) },
          { key: "Phone", value: label },
        ]}
      />
      {warnings.map((one) => (
        <Warning key={one}>{CAREFUL[one]}</Warning>
      ))}
      <Section>1. Ring {name}</Section>
      <Body>On a number that you know, not one that came with the request. Be sure that it is them: whoever has the phone in hand will read everything on it and write in their name.</Body>
      <Section>2. Read these out</Section>
      <ReadOut digits={readOut} />
      <Section>3. Type what they read back</Section>
      {trouble !== undefined && (
        <>
          <TroubleBox trouble={trouble} />
          {isOver && (
            <Button look="secondary" onPress={onAgain}>
              Begin again
            </Button>
          )}
        </>
      )}
      {!isOver && (
        <form
          autocomplete="off"
          onSubmit={(event) => {
            event.preventDefault();
            if (!busy) send();
          }}
        >
          <DigitsBox id="back" label="The six digits that they read back" hint="They are other digits than yours." value={typed} wrong={wrong} onType={setTyped} />
          {withShares && <Shares id="share" shares={shares} onType={setShares} />}
          <button type="submit" class="govuk-button" disabled={busy}>
            {busy ? "One moment" : "Let them in"}
          </button>
        </form>
      )}
    </>
  );
}

function Done({ asked: { name }, answer }: { readonly asked: HelpAsked; readonly answer: string }): JSX.Element {
  const { router } = useSession();
  return (
    <>
      <Alert kind="success" heading="The digits agree" now>
        <p>Send {name} the answer, by any way. It opens this one phone, once.</p>
      </Alert>
      <CarryOut line={answer} file="answer.txt" what="the answer" />
      <Body>That you helped is kept on both phones. Tell your coordinator, or your supervisor.</Body>
      <Button look="secondary" onPress={() => router.go({ at: "home" })}>
        Home
      </Button>
    </>
  );
}
