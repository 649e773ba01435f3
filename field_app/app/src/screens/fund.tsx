/** The fund: what I may still spend, in pounds, offline; what was spent, and putting it right. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, LinkButton, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { SummaryList, Tag } from "../components/patterns";
import type { FundLine, FundView } from "../device/facade";
import { pounds, poundsBox, readPounds } from "../forms/money";
import { showDate } from "../forms/show";
import { newDraft } from "./drafting";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";

export function Fund(): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ funds: await device.funds(), cases: (await device.files()).filter((file) => file.kind === "case" && file.open) }), []);
  return (
    <Page title="Fund" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {({ funds, cases }) => (
          <>
            {funds.length === 0 && <Body>You have no allowance on this phone.</Body>}
            {funds.map((fund) => (
              <OneFund key={fund.file} fund={fund} />
            ))}
            {cases.length > 0 && <Section>Record a spend</Section>}
            <ul class="govuk-list">
              {cases.map((file) => (
                <li key={file.id}>
                  <LinkButton onPress={() => router.go({ at: "write", file: file.id, type: "spend", draft: newDraft() })}>For {file.title}</LinkButton>
                </li>
              ))}
            </ul>
          </>
        )}
      </WhenThere>
    </Page>
  );
}

function OneFund({ fund }: { readonly fund: FundView }): JSX.Element {
  return (
    <section aria-label={fund.title}>
      <p class="app-money">
        <span class="app-money__sum">{pounds(fund.mayStillSpend)}</span> you may still spend
        {fund.until !== undefined && <> until {showDate(fund.until)}</>}
      </p>
      <SummaryList
        rows={[
          { key: "Spent", value: pounds(fund.spent) },
          ...(fund.disputed === 0 ? [] : [{ key: "Not covered yet", value: pounds(fund.disputed) }]),
        ]}
      />
      <Section>What was spent</Section>
      {fund.lines.length === 0 && <Body>Nothing yet.</Body>}
      <ul class="govuk-list app-cards">
        {fund.lines.map((line) => (
          <Line key={line.spend} fund={fund} line={line} />
        ))}
      </ul>
    </section>
  );
}

function Line({ fund, line }: { readonly fund: FundView; readonly line: FundLine }): JSX.Element {
  const { now } = useSession();
  const [open, setOpen] = useState(false);
  const what = line.item ?? "A spend";
  return (
    <li class="app-card">
      <strong>{pounds(line.amount)}</strong> {what}
      <p class="app-card__line">
        {line.by}, {when(line.atMs, now())}
      </p>
      {line.disputed > 0 && (
        <p class="app-card__line">
          <Tag colour="orange">{pounds(line.disputed)} not covered</Tag>
        </p>
      )}
      {line.counts === 0 && line.disputed === 0 && (
        <p class="app-card__line">
          <Tag colour="grey">Reversed</Tag>
        </p>
      )}
      {line.noEffect !== undefined && <p class="app-card__line">{line.noEffect}</p>}
      {line.mine && line.counts + line.disputed > 0 && !open && (
        <LinkButton about={`${pounds(line.amount)} ${what}`} onPress={() => setOpen(true)}>
          Put this right
        </LinkButton>
      )}
      {open && <Reverse fund={fund} line={line} onDone={() => setOpen(false)} />}
    </li>
  );
}

/** A correction is a reversal: what was written stays. */
function Reverse({ fund, line, onDone }: { readonly fund: FundView; readonly line: FundLine; readonly onDone: () => void }): JSX.Element {
  const { device } = useSession();
  const most = line.counts + line.disputed;
  const [amount, setAmount] = useState(poundsBox(most));
  const [why, setWhy] = useState("");
  const { busy, trouble, act } = useAct();
  const pence = readPounds(amount);
  const fits = pence !== undefined && pence <= most;
  const ids = { amount: `amount-${line.spend}`, why: `why-${line.spend}` };
  const save = (): void =>
    act(async () => {
      if (pence === undefined) return;
      await device.reverse(fund.file, line.spend, pence, why.trim());
      onDone();
    });
  return (
    <section class="app-inline" aria-label="Put this right">
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={save} />}
      <div class={`govuk-form-group${fits ? "" : " govuk-form-group--error"}`}>
        <label class="govuk-label app-label" for={ids.amount}>
          How much comes back
        </label>
        {!fits && (
          <p class="govuk-error-message" id={`${ids.amount}-error`}>
            <span class="govuk-visually-hidden">Error:</span> Enter an amount up to {pounds(most)}
          </p>
        )}
        <div class="govuk-input__wrapper">
          <div class="govuk-input__prefix" aria-hidden="true">
            £
          </div>
          <input
            class="govuk-input govuk-input--width-5"
            id={ids.amount}
            type="text"
            inputMode="decimal"
            autocomplete="off"
            aria-describedby={fits ? undefined : `${ids.amount}-error`}
            value={amount}
            onInput={(event) => setAmount(event.currentTarget.value)}
          />
        </div>
      </div>
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for={ids.why}>
          Why
        </label>
        <input class="govuk-input" id={ids.why} type="text" maxLength={200} autocomplete="off" value={why} onInput={(event) => setWhy(event.currentTarget.value)} />
      </div>
      <div class="govuk-button-group">
        <Button onPress={save} disabled={busy || !fits || why.trim() === ""}>
          Reverse it
        </Button>
        <Button look="secondary" onPress={onDone}>
          Leave it
        </Button>
      </div>
    </section>
  );
}
