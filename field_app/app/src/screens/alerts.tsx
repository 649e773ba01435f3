/** Alerts that nobody has stood down: who has each, whom to ring next, and what can be done about it from here. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, Details, ErrorSummary, LinkButton, Section } from "../components/basics";
import { TroubleBox } from "../components/page";
import { Alert, Tag } from "../components/patterns";
import type { UrgentAlert } from "../device/facade";
import { terms } from "../forms/schema";
import { useAct, useAsked, useSession } from "./session";
import { howLong, when } from "./times";

const TICK_MS = 15_000;

/** The alerts, looked at again while the clock goes on: nobody has to press anything for "ten minutes" to be over. */
export function useAlerts(): readonly UrgentAlert[] {
  const [tick, setTick] = useState(0);
  const alerts = useAsked((device) => device.urgent(), [tick]);
  useEffect(() => {
    const timer = setInterval(() => setTick((n) => n + 1), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return alerts.is === "there" ? alerts.value : [];
}

export function OpenAlerts(): JSX.Element | null {
  const alerts = useAlerts();
  if (alerts.length === 0) return null;
  return (
    <>
      <Section>{alerts.length === 1 ? "1 alert is open" : `${alerts.length} alerts are open`}</Section>
      <ul class="govuk-list app-cards">
        {alerts.map((alert) => (
          <li class="app-card" key={alert.record}>
            <OneAlert alert={alert} />
          </li>
        ))}
      </ul>
    </>
  );
}

function OneAlert({ alert }: { readonly alert: UrgentAlert }): JSX.Element {
  const { router, now } = useSession();
  const { what, title, atRisk, words, by, mine, sinceMs, acknowledged, calls, unanswered, next } = alert;
  const at = (ms: number | undefined): string => (ms === undefined ? "" : `, ${when(ms, now())}`);
  return (
    <>
      <h3 class="govuk-heading-s app-card__title">{what}</h3>
      <p class="app-card__line">
        {acknowledged.length > 0 ? <Tag colour="green">Acknowledged</Tag> : <Tag colour="red">Nobody has it yet</Tag>} for {howLong(now() - sinceMs)}
      </p>
      <p class="app-card__line">
        {title}. Raised by {mine ? "you" : by}.{atRisk.length === 0 ? "" : ` At risk: ${atRisk.join(", ").toLowerCase()}.`}
      </p>
      {words !== undefined && <Body>{words}</Body>}
      {acknowledged.map((one, i) => (
        <Body key={i}>
          <strong>{one.by} has it</strong>: {one.says.toLowerCase()}
          {at(one.atMs)}.
        </Body>
      ))}
      {calls.length > 0 && (
        <p class="app-card__line">
          Rung: {calls.map((one) => `${one.to}${one.spokeTo === undefined ? "" : ` (${one.spokeTo})`}${at(one.atMs)}`).join("; ")}
        </p>
      )}
      {unanswered && next !== undefined && (
        <Alert kind="error" heading="Ten minutes without an answer" now>
          <p>Ring the next number.</p>
          <a class="govuk-button govuk-button--warning app-call" href={`tel:${next.number.replaceAll(" ", "")}`}>
            Ring {next.number}
            <span class="app-call__who">{next.label}</span>
          </a>
        </Alert>
      )}
      <Doing alert={alert} />
      <LinkButton onPress={() => router.go({ at: "record", file: alert.file, record: alert.record })} about={what}>
        Open the record
      </LinkButton>
    </>
  );
}

/** What is done about an alert; one thing at a time. */
function Doing({ alert }: { readonly alert: UrgentAlert }): JSX.Element {
  const [open, setOpen] = useState<"call" | "acknowledge" | "stand-down">();
  const { mine, what, record } = alert;
  const close = (): void => setOpen(undefined);
  if (open === "call") return <Call alert={alert} onDone={close} />;
  if (open === "acknowledge") return <Acknowledge alert={alert} onDone={close} />;
  if (open === "stand-down") return <StandDown alert={alert} onDone={close} />;
  return (
    <>
      <div class="govuk-button-group">
        {!mine && (
          <Button onPress={() => setOpen("acknowledge")} about={what}>
            I have it
          </Button>
        )}
        <Button look="secondary" onPress={() => setOpen("call")} about={what}>
          I rang somebody
        </Button>
        {!mine && (
          <Button look="secondary" onPress={() => setOpen("stand-down")} about={what}>
            Stand it down
          </Button>
        )}
      </div>
      {mine && (
        <Details summary="Who stands it down" key={record}>
          <p>A colleague does, when it is over: whoever raised an alert does not end it.</p>
        </Details>
      )}
    </>
  );
}

interface StepProps {
  readonly alert: UrgentAlert;
  readonly onDone: () => void;
}

interface RadiosProps {
  readonly id: string;
  readonly legend: string;
  readonly list: string;
  readonly chosen: string | undefined;
  readonly wrong: string | undefined;
  readonly onChoose: (code: string) => void;
}

function Codes({ id, legend, list, chosen, wrong, onChoose }: RadiosProps): JSX.Element {
  return (
    <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
      <fieldset class="govuk-fieldset" aria-describedby={wrong === undefined ? undefined : `${id}-error`}>
        <legend class="govuk-fieldset__legend app-label">{legend}</legend>
        {wrong !== undefined && (
          <p class="govuk-error-message" id={`${id}-error`}>
            <span class="govuk-visually-hidden">Error:</span> {wrong}
          </p>
        )}
        <div class="govuk-radios">
          {terms(list).map(({ code, label }) => (
            <div class="govuk-radios__item" key={code}>
              <input class="govuk-radios__input" id={`${id}-${code}`} name={id} type="radio" autocomplete="off" checked={chosen === code} onChange={() => onChoose(code)} />
              <label class="govuk-label govuk-radios__label" for={`${id}-${code}`}>
                {label}
              </label>
            </div>
          ))}
        </div>
      </fieldset>
    </div>
  );
}

function Acknowledge({ alert, onDone }: StepProps): JSX.Element {
  const { device } = useSession();
  const [how, setHow] = useState<string>();
  const [wrong, setWrong] = useState<string>();
  const { busy, trouble, act } = useAct();
  const id = `ack-${alert.record}`;
  const send = (): void => {
    setWrong(how === undefined ? "Say what you do about it" : undefined);
    if (how === undefined) return;
    act(async () => {
      await device.acknowledgeAlert(alert.file, alert.record, how);
      onDone();
    });
  };
  return (
    <>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: `${id}-received` }]} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={send} />}
      <Codes id={id} legend="What do you say back?" list="ack" chosen={how} wrong={wrong} onChoose={setHow} />
      <Steps onSend={send} words="Acknowledge it" busy={busy} onDone={onDone} />
    </>
  );
}

function Call({ alert, onDone }: StepProps): JSX.Element {
  const { device } = useSession();
  const [call, setCall] = useState<string>();
  const [spokeTo, setSpokeTo] = useState("");
  const [readBack, setReadBack] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const { busy, trouble, act } = useAct();
  const id = `call-${alert.record}`;
  const send = (): void => {
    setWrong(call === undefined ? "Say whom you rang" : undefined);
    if (call === undefined) return;
    act(async () => {
      await device.recordCall(alert.file, alert.record, { call, spokeTo, readBack });
      onDone();
    });
  };
  return (
    <>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: `${id}-emergency_999` }]} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={send} />}
      <Codes id={id} legend="Whom did you ring?" list="urgent_call" chosen={call} wrong={wrong} onChoose={setCall} />
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for={`${id}-who`}>
          To whom you spoke <span class="app-need">(optional)</span>
        </label>
        <input class="govuk-input" id={`${id}-who`} autocomplete="off" value={spokeTo} onInput={(event) => setSpokeTo(event.currentTarget.value)} />
      </div>
      <div class="govuk-form-group">
        <div class="govuk-checkboxes">
          <div class="govuk-checkboxes__item">
            <input class="govuk-checkboxes__input" id={`${id}-back`} type="checkbox" autocomplete="off" checked={readBack} onChange={(event) => setReadBack(event.currentTarget.checked)} />
            <label class="govuk-label govuk-checkboxes__label" for={`${id}-back`}>
              They read back what I said
            </label>
          </div>
        </div>
      </div>
      <Steps onSend={send} words="Put it on record" busy={busy} onDone={onDone} />
    </>
  );
}

function StandDown({ alert, onDone }: StepProps): JSX.Element {
  const { device } = useSession();
  const [why, setWhy] = useState("");
  const [wrong, setWrong] = useState<string>();
  const { busy, trouble, act } = useAct();
  const id = `why-${alert.record}`;
  const send = (): void => {
    setWrong(why.trim() === "" ? "Say why it is over" : undefined);
    if (why.trim() === "") return;
    act(async () => {
      await device.standDown(alert.file, alert.record, why);
      onDone();
    });
  };
  return (
    <>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: id }]} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={send} />}
      <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
        <label class="govuk-label app-label" for={id}>
          Why is it over?
        </label>
        <div class="govuk-hint" id={`${id}-hint`}>
          For example, the police have him.
        </div>
        {wrong !== undefined && (
          <p class="govuk-error-message" id={`${id}-error`}>
            <span class="govuk-visually-hidden">Error:</span> {wrong}
          </p>
        )}
        <input
          class={`govuk-input${wrong === undefined ? "" : " govuk-input--error"}`}
          id={id}
          autocomplete="off"
          aria-describedby={wrong === undefined ? `${id}-hint` : `${id}-hint ${id}-error`}
          value={why}
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
      </div>
      <Steps onSend={send} words="Stand it down" busy={busy} onDone={onDone} look="warning" />
    </>
  );
}

interface StepsProps {
  readonly onSend: () => void;
  readonly words: string;
  readonly busy: boolean;
  readonly onDone: () => void;
  readonly look?: "plain" | "warning";
}

const Steps = ({ onSend, words, busy, onDone, look = "plain" }: StepsProps): JSX.Element => (
  <div class="govuk-button-group">
    <Button look={look} onPress={onSend} disabled={busy}>
      {words}
    </Button>
    <Button look="secondary" onPress={onDone} disabled={busy}>
      Not now
    </Button>
  </div>
);
