/** A lost phone: three questions, keeping it out, what was on it, and whom to ring. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, ErrorSummary, type Problem, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList, Tag } from "../components/patterns";
import type { DeviceView, LostAnswers } from "../device/facade";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";

export function Lost(): JSX.Element {
  const { router } = useSession();
  const [lost, setLost] = useState<DeviceView>();
  const [done, setDone] = useState(false);
  const devices = useAsked(async (device) => (await device.devices()).filter((one) => !one.mine && one.standing !== "revoked"), []);
  return (
    <Page title="A phone is lost" onBack={() => router.back()}>
      {lost === undefined ? (
        <WhenThere loaded={devices}>{(there) => <Which devices={there} onChoose={setLost} />}</WhenThere>
      ) : done ? (
        <After lost={lost} />
      ) : (
        <Questions lost={lost} onDone={() => setDone(true)} />
      )}
    </Page>
  );
}

function Which({ devices, onChoose }: { readonly devices: readonly DeviceView[]; readonly onChoose: (device: DeviceView) => void }): JSX.Element {
  const { now } = useSession();
  if (devices.length === 0) return <Body>This phone knows of no other. Ring your coordinator.</Body>;
  return (
    <>
      <Body>Which one?</Body>
      <ul class="govuk-list app-cards">
        {devices.map((device) => (
          <li class="app-card" key={device.id}>
            <button type="button" class="app-link-button" onClick={() => onChoose(device)}>
              {device.person}, {device.label}
            </button>
            <p class="app-card__line">
              {device.lastSeenMs === undefined ? "Never seen" : `Last seen ${when(device.lastSeenMs, now())}`}{" "}
              {device.standing === "suspended" && <Tag colour="orange">Kept out</Tag>}
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

const HOW = [
  ["lost", "Lost"],
  ["stolen", "Stolen"],
] as const;
const LOCKED = [
  ["yes", "Yes"],
  ["no", "No"],
  ["not_known", "Not known"],
] as const;

function Questions({ lost, onDone }: { readonly lost: DeviceView; readonly onDone: () => void }): JSX.Element {
  const { device } = useSession();
  const [how, setHow] = useState<LostAnswers["how"]>();
  const [locked, setLocked] = useState<LostAnswers["locked"]>();
  const [what, setWhat] = useState("");
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const { busy, trouble, act } = useAct();
  const suspend = (): void => {
    const found = [
      ...(how === undefined ? [{ message: "Say whether it was lost or stolen", target: "how-lost" }] : []),
      ...(locked === undefined ? [{ message: "Say whether it was locked", target: "locked-yes" }] : []),
    ];
    setProblems(found);
    if (how === undefined || locked === undefined) return;
    act(async () => {
      await device.suspend(lost.id, { how, locked, what: what.trim() });
      onDone();
    });
  };
  return (
    <>
      <ErrorSummary problems={problems} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={suspend} />}
      <Body>
        {lost.person}, {lost.label}. It is kept out until a coordinator lets it in again. If you are wrong, nothing is lost.
      </Body>
      <Choice name="how" legend="Was it lost or stolen?" options={HOW} chosen={how} onChoose={setHow} />
      <Choice name="locked" legend="Was it locked?" options={LOCKED} chosen={locked} onChoose={setLocked} />
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for="what">
          What happened, as far as it is known <span class="app-need">(optional)</span>
        </label>
        <textarea class="govuk-textarea" id="what" rows={3} autocomplete="off" value={what} onInput={(event) => setWhat(event.currentTarget.value)} />
      </div>
      <Button look="warning" onPress={suspend} disabled={busy}>
        Keep it out now
      </Button>
    </>
  );
}

interface ChoiceProps<T extends string> {
  readonly name: string;
  readonly legend: string;
  readonly options: readonly (readonly [T, string])[];
  readonly chosen: T | undefined;
  readonly onChoose: (value: T) => void;
}

function Choice<T extends string>({ name, legend, options, chosen, onChoose }: ChoiceProps<T>): JSX.Element {
  return (
    <div class="govuk-form-group">
      <fieldset class="govuk-fieldset">
        <legend class="govuk-fieldset__legend app-label">{legend}</legend>
        <div class="govuk-radios">
          {options.map(([value, words]) => (
            <div class="govuk-radios__item" key={value}>
              <input
                class="govuk-radios__input"
                id={`${name}-${value}`}
                name={name}
                type="radio"
                autocomplete="off"
                checked={chosen === value}
                onChange={() => onChoose(value)}
              />
              <label class="govuk-label govuk-radios__label" for={`${name}-${value}`}>
                {words}
              </label>
            </div>
          ))}
        </div>
      </fieldset>
    </div>
  );
}

function After({ lost }: { readonly lost: DeviceView }): JSX.Element {
  const on = useAsked((device) => device.onDevice(lost.id), [lost.id]);
  return (
    <WhenThere loaded={on}>
      {(there) => (
        <>
          <Alert kind="success" heading="It is kept out" now>
            <p>From the moment your phone has sent this. What it has already is still on it.</p>
          </Alert>
          <Section>Whom to ring</Section>
          {there.ring.map(({ label, number }) => (
            <a key={number} class="govuk-button govuk-button--secondary app-call" href={`tel:${number.replaceAll(" ", "")}`}>
              Ring {number}
              <span class="app-call__who">{label}</span>
            </a>
          ))}
          <Section>What was on it</Section>
          <SummaryList
            rows={[
              { key: "Files", value: there.files.length === 0 ? "None that this phone knows of" : there.files.map((file) => file.title).join(", ") },
              { key: "Not sent", value: there.unsent === undefined ? "Not known" : String(there.unsent) },
            ]}
          />
        </>
      )}
    </WhenThere>
  );
}
