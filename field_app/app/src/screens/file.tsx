/** A file: what to do in it, and what happened, by the time of the event. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, Details, LinkButton, Section } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import { Alert, Badge, Timeline } from "../components/patterns";
import { SendingTag } from "../components/status";
import type { FileSummary, RecordSummary } from "../device/facade";
import { showWhen } from "../forms/show";
import { recordType } from "../forms/schema";
import { newDraft } from "./drafting";
import { useAsked, useSession } from "./session";
import { when } from "./times";
import { kindWords, typeWords } from "./words";

/** So many records are shown before somebody asks for more; on a slow phone those on the first screens come first, and the rest when they are painted. */
const AT_ONCE = 50;
const FIRST = 12;

export function FileScreen({ file }: { readonly file: string }): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked((device) => device.file(file), [file]);
  return (
    <WhenThere loaded={loaded}>
      {(there) => (
        <Page title={there.title} caption={kindWords(there.kind)} onBack={() => router.back()}>
          {there.open ? <Doings file={there} /> : <Body>You can read this file, and no longer write in it.</Body>}
          <HeldHere file={there} />
          <Happened file={there} />
          <SameAs file={there} />
        </Page>
      )}
    </WhenThere>
  );
}

/** From where partner support asks something of the other side, and who may (shared_schema/roles.json, letters). */
const ASKED_FROM: ReadonlySet<string> = new Set(["case", "intake"]);
const ASKERS: ReadonlySet<string> = new Set(["coordinator", "link_worker", "referral_desk"]);

/** The commonest records are one tap away. */
function Doings({ file }: { readonly file: FileSummary }): JSX.Element {
  const { router, device } = useSession();
  const begin = (type: string): void => router.go({ at: "write", file: file.id, type, draft: newDraft() });
  const may = (type: string): boolean => {
    const known = recordType(type);
    return known !== undefined && (known.files[file.kind]?.includes(device.me.side) ?? false) && known.writers.includes(file.role);
  };
  return (
    <div class="govuk-button-group app-doings">
      {may("visit_plan") && <Button onPress={() => router.go({ at: "visit", file: file.id })}>Before you knock</Button>}
      {may("contact") && <Button onPress={() => router.go({ at: "contact", file: file.id })}>New contact</Button>}
      {may("case_note") && <Button onPress={() => begin("case_note")}>New note</Button>}
      {may("visit_plan") && (
        <Button look="secondary" onPress={() => router.go({ at: "finish", file: file.id, draft: newDraft() })}>
          Finish visit
        </Button>
      )}
      {device.me.side === "victim" && ASKED_FROM.has(file.kind) && device.me.roles.some((role) => ASKERS.has(role)) && (
        <Button look="secondary" onPress={() => router.go({ at: "instruct", file: file.id })}>
          Ask the other side
        </Button>
      )}
      {file.kind === "intake" && (
        <Button look="secondary" onPress={() => router.go({ at: "referrals" })}>
          Referrals
        </Button>
      )}
      <Button look="secondary" onPress={() => router.go({ at: "types", file: file.id })}>
        Something else
      </Button>
    </div>
  );
}

/** Shown to those who decide about it, and only where there is something. */
function HeldHere({ file }: { readonly file: FileSummary }): JSX.Element | null {
  const { router } = useSession();
  const held = useAsked((device) => device.held(file.id), [file.id]);
  if (held.is !== "there" || held.value.length === 0) return null;
  const many = held.value.length;
  return (
    <Alert kind="warning" heading={many === 1 ? "1 thing is held for review" : `${many} things are held for review`}>
      <LinkButton onPress={() => router.go({ at: "held", file: file.id })}>See what is held</LinkButton>
    </Alert>
  );
}

/** For two people who want to know whether they see the same. */
function SameAs({ file }: { readonly file: FileSummary }): JSX.Element {
  const [wanted, setWanted] = useState(false);
  return (
    <Details summary="Compare with a colleague" open={wanted} onOpen={() => setWanted(true)}>
      <Body>Whoever sees the same in this file has the same letters and numbers here, without what is not sent yet.</Body>
      {wanted && <State file={file.id} />}
    </Details>
  );
}

function State({ file }: { readonly file: string }): JSX.Element {
  const state = useAsked((device) => device.stateOf(file), [file]);
  return <p class="govuk-body app-state">{state.is === "there" ? state.value : ""}</p>;
}

function Happened({ file }: { readonly file: FileSummary }): JSX.Element {
  const [type, setType] = useState("");
  const records = useAsked((device) => device.records(file.id), [file.id]);
  return (
    <>
      <Section>What happened</Section>
      <WhenThere loaded={records}>
        {(there) => {
          const types = [...new Set(there.map((record) => record.type))].sort((a, b) => typeWords(a).localeCompare(typeWords(b)));
          const shown = type === "" ? there : there.filter((record) => record.type === type);
          return (
            <>
              {types.length > 1 && (
                <div class="govuk-form-group">
                  <label class="govuk-label" for="type">
                    Show
                  </label>
                  <select class="govuk-select" id="type" autocomplete="off" value={type} onChange={(event) => setType(event.currentTarget.value)}>
                    <option value="">Everything</option>
                    {types.map((one) => (
                      <option key={one} value={one}>
                        {typeWords(one)}
                      </option>
                    ))}
                  </select>
                </div>
              )}
              {shown.length === 0 ? <Body>Nothing is written here yet.</Body> : <Records records={shown} />}
            </>
          );
        }}
      </WhenThere>
    </>
  );
}

export function Records({ records, level = 3 }: { readonly records: readonly RecordSummary[]; readonly level?: 2 | 3 }): JSX.Element {
  const { router, now } = useSession();
  const [shown, setShown] = useState(FIRST);
  useEffect(() => {
    const timer = setTimeout(() => setShown((many) => Math.max(many, AT_ONCE)), 50);
    return () => clearTimeout(timer);
  }, []);
  const line = (
    <Timeline
      level={level}
      items={records.slice(0, shown).map((record) => ({
        id: `${record.file}/${record.id}`,
        title: (
          <LinkButton onPress={() => router.go({ at: "record", file: record.file, record: record.id })}>{typeWords(record.type)}</LinkButton>
        ),
        by: record.author,
        when: record.event === undefined ? when(record.recordedMs, now()) : showWhen(record.event),
        ...(record.event === undefined ? {} : { at: record.event.at }),
        marks: <Marks record={record} />,
        children: <p class="govuk-body app-line">{record.line}</p>,
      }))}
    />
  );
  return (
    <>
      {line}
      {shown >= AT_ONCE && records.length > shown && (
        <Button look="secondary" onPress={() => setShown(shown + AT_ONCE)}>
          {`Show more (${records.length - shown})`}
        </Button>
      )}
    </>
  );
}

export const Marks = ({ record }: { readonly record: RecordSummary }): JSX.Element => (
  <span class="app-marks">
    {record.doNotRaise && <Badge colour="red">Do not raise</Badge>}
    {record.state === "draft" && <Badge colour="grey">Draft</Badge>}
    {record.state === "void" && <Badge colour="grey">Void</Badge>}
    {record.inConflict && <Badge colour="orange">To decide</Badge>}
    {record.late && <Badge colour="purple">Written late</Badge>}
    {record.clockUnsure && <Badge colour="purple">Clock unsure</Badge>}
    {record.sending !== "received" && <SendingTag sending={record.sending} />}
  </span>
);
