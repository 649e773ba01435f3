/** Referrals: whole at the desk of partner support, which gives the other side its part; there a case is begun from one, or it is declined. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, Details, LinkButton } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { SummaryList, Tag } from "../components/patterns";
import type { Colleague, Pack, Referral } from "../device/facade";
import { type Field, terms } from "../forms/schema";
import { showDate } from "../forms/show";
import { isList } from "../forms/values";
import { fieldOf, useBoxes } from "./boxes";
import { newDraft } from "./drafting";
import { useAct, useAsked, useSession } from "./session";

export function Referrals(): JSX.Element {
  const { router, device } = useSession();
  return (
    <Page title="Referrals" onBack={() => router.back()}>
      {device.me.side === "victim" ? <Packs /> : <Waiting />}
    </Page>
  );
}

// --- at the desk of partner support --------------------------------------------------------------------------------------

function Packs(): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ packs: await device.packs(), desks: (await device.files()).filter((file) => file.kind === "intake" && file.open) }), []);
  return (
    <WhenThere loaded={loaded}>
      {({ packs, desks }) => (
        <>
          {desks.map((desk) => (
            <Button key={desk.id} look="secondary" onPress={() => router.go({ at: "write", file: desk.id, type: "referral_intake", draft: newDraft() })}>
              Take in a referral{desks.length > 1 ? `: ${desk.title}` : ""}
            </Button>
          ))}
          {packs.length === 0 ? (
            <Body>No referral is on this phone.</Body>
          ) : (
            <ul class="govuk-list app-cards">
              {packs.map((pack) => (
                <li class="app-card" key={pack.record}>
                  <OnePack pack={pack} />
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </WhenThere>
  );
}

const STATES = { "to look at": ["To look at", "red"], incomplete: ["Something is missing", "orange"], given: ["Given to the other side", "green"] } as const;

function OnePack({ pack }: { readonly pack: Pack }): JSX.Element {
  const { router, device } = useSession();
  const { busy, trouble, act } = useAct();
  const [asking, setAsking] = useState(false);
  const { file, record, who, receivedOn, source, harmed, state, missing, matches } = pack;
  const [words, colour] = STATES[state];
  return (
    <>
      <h2 class="govuk-heading-s app-card__title">{who}</h2>
      <p class="app-card__line">
        <Tag colour={colour}>{words}</Tag>
      </p>
      <p class="app-card__line">
        {[receivedOn === undefined ? "" : showDate(receivedOn), source ?? "", harmed === 1 ? "1 person harmed" : `${harmed} people harmed`].filter((one) => one !== "").join(" · ")}
      </p>
      {missing.length > 0 && <p class="app-card__line">Asked for: {missing.join(", ").toLowerCase()}</p>}
      {matches.length > 0 && (
        <ul class="govuk-list">
          {matches.map(({ label, found, note }) => (
            <li key={label}>
              {label}: {found ? <strong>found{note === undefined ? "" : ` in ${note}`}</strong> : "nothing found"}
            </li>
          ))}
        </ul>
      )}
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {asking ? (
        <Missing pack={pack} onDone={() => setAsking(false)} />
      ) : (
        <div class="govuk-button-group">
          <Button onPress={() => router.go({ at: "split", file, record })} about={`of ${who}`}>
            Give the other side its part
          </Button>
          <Button look="secondary" onPress={() => act(() => device.matchPack(file, record))} disabled={busy} about={`with ${who}`}>
            Compare the names
          </Button>
          <Button look="secondary" onPress={() => setAsking(true)} about={`from ${who}`}>
            Something is missing
          </Button>
        </div>
      )}
      <LinkButton onPress={() => router.go({ at: "record", file, record })} about={who}>
        Open the record
      </LinkButton>
    </>
  );
}

const SUPPLIED: Field = { ...fieldOf("referral", "supplied", true), label: "What is missing", hint: undefined };
const DUE: Field = { ...fieldOf("task", "due", true), label: "Ask by", hint: undefined };

function Missing({ pack: { file, record }, onDone }: { readonly pack: Pack; readonly onDone: () => void }): JSX.Element {
  const { device } = useSession();
  const { busy, trouble, act } = useAct();
  const { form, read } = useBoxes([SUPPLIED, DUE]);
  const save = (): void => {
    const values = read();
    if (values === undefined) return;
    const { supplied, due } = values;
    const missing = isList(supplied) ? supplied.filter((one) => typeof one === "string") : [];
    act(async () => {
      await device.packIncomplete(file, record, missing, typeof due === "string" ? due : "");
      onDone();
    });
  };
  return form(
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <Steps words="Make it my task to ask" onSend={save} onBack={onDone} busy={busy} />
    </>,
  );
}

// --- at the other desk -------------------------------------------------------------------------------------------------

function Waiting(): JSX.Element {
  const loaded = useAsked(async (device) => ({ referrals: await device.referrals(), colleagues: await device.colleagues() }), []);
  return (
    <WhenThere loaded={loaded}>
      {({ referrals, colleagues }) =>
        referrals.length === 0 ? (
          <Body>No referral waits.</Body>
        ) : (
          <ul class="govuk-list app-cards">
            {referrals.map((one) => (
              <li class="app-card" key={one.record}>
                <OneReferral referral={one} colleagues={colleagues} />
              </li>
            ))}
          </ul>
        )
      }
    </WhenThere>
  );
}

interface ReferralProps {
  readonly referral: Referral;
  readonly colleagues: readonly Colleague[];
}

function OneReferral({ referral, colleagues }: ReferralProps): JSX.Element {
  const [doing, setDoing] = useState<"begin" | "decline">();
  const { who, receivedOn, lines } = referral;
  const back = (): void => setDoing(undefined);
  return (
    <>
      <h2 class="govuk-heading-s app-card__title">{who}</h2>
      {receivedOn !== undefined && <p class="app-card__line">Received {showDate(receivedOn)}</p>}
      <Details summary="What it says">
        <SummaryList rows={lines.map(({ label, value }) => ({ key: label, value }))} />
      </Details>
      {doing === "begin" ? (
        <Begin referral={referral} colleagues={colleagues} onBack={back} />
      ) : doing === "decline" ? (
        <Decline referral={referral} onBack={back} />
      ) : (
        <div class="govuk-button-group">
          <Button onPress={() => setDoing("begin")} about={`from the referral of ${who}`}>
            Begin a case
          </Button>
          <Button look="secondary" onPress={() => setDoing("decline")} about={`the referral of ${who}`}>
            Decline it
          </Button>
        </div>
      )}
    </>
  );
}

function Begin({ referral: { file, record }, colleagues, onBack }: ReferralProps & { readonly onBack: () => void }): JSX.Element {
  const { device, router } = useSession();
  const { busy, trouble, act } = useAct();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const begin = (): void =>
    act(async () => {
      const begun = await device.beginFrom(file, record, colleagues.filter(({ id }) => chosen.includes(id)));
      router.replace({ at: "file", file: begun });
    });
  return (
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <div class="govuk-form-group">
        <fieldset class="govuk-fieldset">
          <legend class="govuk-fieldset__legend app-label">Who else works on it?</legend>
          <div class="govuk-checkboxes">
            {colleagues.map(({ id, name, role }) => (
              <div class="govuk-checkboxes__item" key={id}>
                <input
                  class="govuk-checkboxes__input"
                  id={`with-${record}-${id}`}
                  type="checkbox"
                  autocomplete="off"
                  checked={chosen.includes(id)}
                  onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
                />
                <label class="govuk-label govuk-checkboxes__label" for={`with-${record}-${id}`}>
                  {name}, {role.replaceAll("_", " ")}
                </label>
              </div>
            ))}
          </div>
        </fieldset>
      </div>
      <Body>They and you see all of the case. The desk of partner support is told that there is one.</Body>
      <Steps words="Begin the case" onSend={begin} onBack={onBack} busy={busy} />
    </>
  );
}

const DECISION: Field = {
  ...fieldOf("referral", "decision", true),
  label: "Why it is declined",
  terms: terms("referral_decision").filter(({ code }) => code.startsWith("declined_")),
  missing: false,
};
const REASON: Field = { ...fieldOf("referral", "decision_reason", true), label: "In a few words" };
const TELL: Field = { ...fieldOf("task", "due", true), label: "Tell the referrer by", hint: undefined };

function Decline({ referral: { file, record }, onBack }: { readonly referral: Referral; readonly onBack: () => void }): JSX.Element {
  const { device } = useSession();
  const { busy, trouble, act } = useAct();
  const { form, read } = useBoxes([DECISION, REASON, TELL]);
  const save = (): void => {
    const values = read();
    if (values === undefined) return;
    const said = (name: string): string => (typeof values[name] === "string" ? values[name] : "");
    act(() => device.declineReferral(file, record, { decision: said("decision"), reason: said("decision_reason"), due: said("due") }));
  };
  return form(
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <Body>It becomes a task of yours to tell the referrer.</Body>
      <Steps words="Decline this referral" onSend={save} onBack={onBack} busy={busy} />
    </>,
  );
}

interface StepsProps {
  readonly words: string;
  readonly onSend: () => void;
  readonly onBack: () => void;
  readonly busy: boolean;
}

const Steps = ({ words, onSend, onBack, busy }: StepsProps): JSX.Element => (
  <div class="govuk-button-group">
    <Button onPress={onSend} disabled={busy}>
      {words}
    </Button>
    <Button look="secondary" onPress={onBack} disabled={busy}>
      Not now
    </Button>
  </div>
);
