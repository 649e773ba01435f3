/** Before you knock: the strictest word in force, hazards, who lives there, orders, who waits for you. Unknown is hold. */
import type { JSX } from "preact";
import { Body, Button, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList } from "../components/patterns";
import type { InForce, VisitBrief } from "../device/facade";
import { showDate, showWhen } from "../forms/show";
import { newDraft } from "./drafting";
import { Records } from "./file";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";
import { GATES } from "./words";

export function Visit({ file }: { readonly file: string }): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ brief: await device.visit(file), title: (await device.file(file)).title }), [file]);
  return (
    <WhenThere loaded={loaded}>
      {({ brief, title }) => (
        <Page title="Before you knock" caption={title} onBack={() => router.back()}>
          <Brief file={file} brief={brief} />
        </Page>
      )}
    </WhenThere>
  );
}

function Brief({ file, brief }: { readonly file: string; readonly brief: VisitBrief }): JSX.Element {
  const { router, now } = useSession();
  const { plan } = brief;
  const asOf = brief.asOfMs === undefined ? "This phone has never heard from the service." : `As this phone knew it ${when(brief.asOfMs, now())}.`;
  const planned = { at: "write", file, type: "visit_plan", draft: newDraft(), ...(plan === undefined ? {} : { record: plan.record }) } as const;
  return (
    <>
      <Gate brief={brief} />
      {brief.inForce.map((one) => (
        <Word key={one.record} file={file} word={one} />
      ))}
      <p class="govuk-body-s app-quiet">{asOf}</p>
      <SummaryList
        rows={[
          { key: "Who lives there", value: brief.livesWith.length === 0 ? "Nothing known" : brief.livesWith.join(", ") },
          { key: "Buddy", value: plan?.buddy ?? "Nobody yet" },
          { key: "Back by", value: plan?.dueBack === undefined ? "Not said yet" : showWhen(plan.dueBack) },
        ]}
      />
      <Section>Hazards</Section>
      {brief.hazards.length === 0 ? <Body>None on record. That does not mean there is none.</Body> : <Records records={brief.hazards} />}
      <Section>Orders served</Section>
      {brief.orders.length === 0 ? <Body>None on record.</Body> : <Records records={brief.orders} />}
      <Button onPress={() => router.go(planned)}>{plan === undefined ? "Plan this visit" : plan.here ? "Check in or out" : "Change the plan"}</Button>
    </>
  );
}

function Gate({ brief }: { readonly brief: VisitBrief }): JSX.Element {
  if (!brief.gateKnown) {
    return (
      <Alert kind="error" heading={GATES.hold}>
        <p>Nothing is known from partner support. Ring your coordinator before any contact.</p>
      </Alert>
    );
  }
  const kind = brief.gate === "hold" ? "error" : brief.gate === "clear" ? "success" : "warning";
  return <Alert kind={kind} heading={GATES[brief.gate]} />;
}

/** A received instruction is a red card, on every screen of a visit. */
export function Word({ file, word }: { readonly file: string; readonly word: InForce }): JSX.Element {
  const { device } = useSession();
  const { busy, trouble, act } = useAct();
  return (
    <section class="app-red-card" aria-label="From partner support">
      <h2 class="govuk-heading-s">From partner support</h2>
      <ul class="govuk-list govuk-list--bullet">
        {word.says.map((line) => (
          <li key={line}>{line}</li>
        ))}
        {word.freeText !== undefined && <li>{word.freeText}</li>}
      </ul>
      <p class="govuk-body">
        From {showDate(word.from)} until {showDate(word.until)}.{word.ringFirst !== undefined && ` Ring first: ${word.ringFirst}.`}
      </p>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {word.acknowledged ? (
        <p class="govuk-body">You have acknowledged it.</p>
      ) : (
        <Button onPress={() => act(() => device.acknowledge(file, word.record, "received"))} disabled={busy}>
          I have read this
        </Button>
      )}
    </section>
  );
}
