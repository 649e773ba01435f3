/** Home: my cases, what waits, and the line of truth about sending. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, LinkButton, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, Tag } from "../components/patterns";
import { statusWords } from "../components/status";
import type { FileSummary, Status, Visiting } from "../device/facade";
import { showWhen } from "../forms/show";
import type { When } from "../forms/values";
import type { Draft } from "../store/drafts";
import { useAlerts } from "./alerts";
import { useAct, useAsked, useSession } from "./session";
import { howLong, when } from "./times";
import { PART, countWords, kindWords, typeWords } from "./words";

export function Home(): JSX.Element {
  const { router } = useSession();
  const files = useAsked((device) => device.files(), []);
  const status = useAsked((device) => device.status(), []);
  return (
    <Page title="My cases">
      <WhenThere loaded={status}>{(there) => <Truth status={there} />}</WhenThere>
      <button type="button" class="govuk-button govuk-button--warning app-call" onClick={() => router.go({ at: "urgent" })}>
        Urgent
        <span class="app-call__who">Somebody is in danger</span>
      </button>
      <AlertsOpen />
      <WhenThere loaded={status}>{(there) => <Waiting status={there} />}</WhenThere>
      <WordsWait />
      <WhatIsDue />
      <Visits />
      <Newer />
      <Unfinished />
      <WhenThere loaded={files}>
        {(there) => (there.length === 0 ? <Body>You are in no file yet. A colleague lets you in.</Body> : <Cases files={there} />)}
      </WhenThere>
    </Page>
  );
}

/** An open alert is on the first screen, whoever raised it, until somebody has stood it down. */
function AlertsOpen(): JSX.Element {
  const { router, now } = useSession();
  return (
    <>
      {useAlerts().map(({ record, what, title, acknowledged, unanswered, sinceMs }) => {
        const [first] = acknowledged;
        const state = first !== undefined ? `${first.by} has it.` : unanswered ? "Ten minutes without an answer: ring the next number." : "Nobody has it yet.";
        return (
          <Alert key={record} kind={first === undefined ? "error" : "warning"} heading={`${what}, ${title}`}>
            <p>
              Raised {howLong(now() - sinceMs)} ago. {state}
            </p>
            <LinkButton onPress={() => router.go({ at: "urgent" })} about={title}>
              See the alert
            </LinkButton>
          </Alert>
        );
      })}
    </>
  );
}

/** Words that a colleague asks to send: they wait for a second person, who may be this one. */
function WordsWait(): JSX.Element | null {
  const { device, router } = useSession();
  const waits = useAsked(async () => (device.me.side === "victim" ? device.wordsWaiting() : []), [device]);
  if (waits.is !== "there" || waits.value.length === 0) return null;
  const many = waits.value.length;
  return (
    <Alert kind="warning" heading={many === 1 ? "Words wait for a second person" : `${many} times, words wait for a second person`}>
      <p>Nothing goes to the other side until somebody else has read exactly these.</p>
      <LinkButton onPress={() => router.go({ at: "agree" })}>Read them</LinkButton>
    </Alert>
  );
}

/** How much is due, and not what: the first screen is seen over a shoulder. */
function WhatIsDue(): JSX.Element | null {
  const { router } = useSession();
  const count = useAsked((device) => device.dueCount(), []);
  if (count.is !== "there") return null;
  return (
    <p class="govuk-body">
      <LinkButton onPress={() => router.go({ at: "due" })}>What is due</LinkButton>: {countWords(count.value)}
    </p>
  );
}

function Truth({ status }: { readonly status: Status }): JSX.Element {
  const { device, router, now } = useSession();
  const { busy, trouble, act } = useAct();
  const sync = (): void => act(() => device.sync());
  return (
    <>
      <div class="app-truth">
        <LinkButton onPress={() => router.go({ at: "sending" })}>{statusWords(status, now())}</LinkButton>
        <Button look="secondary" onPress={sync} disabled={busy || status.syncing}>
          {busy || status.syncing ? "Sending" : "Send and fetch"}
        </Button>
      </div>
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={sync} />}
    </>
  );
}

/** What somebody has to look at, the worst first. */
function Waiting({ status }: { readonly status: Status }): JSX.Element {
  const { device, router, now } = useSession();
  const { act } = useAct();
  const oldest = status.oldestUnsentMs === undefined ? "" : ` The oldest has waited ${howLong(now() - status.oldestUnsentMs)}.`;
  return (
    <>
      {status.alarms.map((alarm) => (
        <Alert key={alarm.code} kind="error" heading={alarm.what}>
          <p>
            {alarm.why} {alarm.doThis}
          </p>
          <Button look="secondary" onPress={() => act(() => device.readAlarm(alarm.code))}>
            I have read this
          </Button>
        </Alert>
      ))}
      {status.nudge && (
        <Alert kind="warning" heading="Please go online soon">
          <p>
            {status.unsent} things are on this phone alone.{oldest} If it were lost, they would be lost with it.
          </p>
        </Alert>
      )}
      {status.conflicts > 0 && (
        <Alert kind="warning" heading={status.conflicts === 1 ? "1 decision waits" : `${status.conflicts} decisions wait`}>
          <p>Two people changed the same thing while apart.</p>
          <LinkButton onPress={() => router.go({ at: "conflicts" })}>See what to decide</LinkButton>
        </Alert>
      )}
    </>
  );
}

function whatNow({ mine, here, by }: Visiting): string {
  if (!mine) return "Ring them now. If nobody answers, press Urgent.";
  return here ? "If you are out and safe, check out: open the visit." : `If you are out and safe, ring ${by}: the phone that planned it checks you out.`;
}

/** The hour alone, where it is today's. */
function timeOf(time: When, nowMs: number): string {
  const isToday = time.precision === "minute" && new Date(time.at).toDateString() === new Date(nowMs).toDateString();
  return isToday ? time.at.slice(11, 16) : showWhen(time);
}

/** Visits of today, mine and those that I am the buddy of, and whoever is not back: the overdue first. */
function Visits(): JSX.Element | null {
  const { router, now } = useSession();
  const loaded = useAsked((device) => device.visits(), []);
  if (loaded.is !== "there" || loaded.value.length === 0) return null;
  return (
    <>
      <Section>Visits today</Section>
      <ul class="govuk-list app-cards">
        {loaded.value.map((visit) => (
          <li class={visit.overdue ? "app-card app-card--late" : "app-card"} key={visit.record}>
            <LinkButton onPress={() => router.go({ at: "visit", file: visit.file })}>
              Visit: {visit.title}
            </LinkButton>
            <p class="app-card__line">
              {visit.start === undefined ? "" : `${timeOf(visit.start, now())} · `}
              {visit.dueBack === undefined ? "Nobody said when back" : `Back by ${timeOf(visit.dueBack, now())}`}
            </p>
            {visit.overdue && (
              <p class="app-card__line">
                <Tag colour="red">Not checked out</Tag>
              </p>
            )}
            {visit.iAmBuddy && (
              <p class="app-card__line">
                <Tag colour="blue">You are the buddy</Tag>
              </p>
            )}
            <p class="app-card__line">
              {visit.mine ? (visit.buddy === undefined ? "No buddy yet" : `Buddy: ${visit.buddy}`) : `Out there: ${visit.visitors.join(", ")}`}
            </p>
            {visit.overdue && <p class="app-card__line">{whatNow(visit)}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** A newer version of the app: there, and checked; or offered, and not taken. */
function Newer(): JSX.Element {
  const { release } = useSession();
  return (
    <>
      {release.refused !== undefined && (
        <Alert kind="error" heading="The service offered an update that is not ours">
          <p>It was not taken, and this version goes on: what you write is kept as before. Ring your coordinator. It was: {release.refused}.</p>
        </Alert>
      )}
      {release.waiting && (
        <Alert kind="information" heading="A newer version is on this phone">
          <p>What you are writing is kept. You unlock again afterwards.</p>
          <Button look="secondary" onPress={release.takeOver}>
            Use it now
          </Button>
        </Alert>
      )}
    </>
  );
}

const draftWords = (type: string): string => (type === "visit" ? "Visit" : type === PART ? "Part of a referral" : typeWords(type));

function Unfinished(): JSX.Element | null {
  const { drafts, router, now } = useSession();
  const [found, setFound] = useState<readonly Draft[]>([]);
  const names = useAsked(async (device) => new Map((await device.files()).map((file) => [file.id, file.title])), []);
  useEffect(() => {
    let current = true;
    drafts.list().then(
      (list) => current && setFound(list),
      () => undefined, // the store has just been locked
    );
    return () => {
      current = false;
    };
  }, [drafts]);
  if (found.length === 0) return null;
  const titles = names.is === "there" ? names.value : new Map<string, string>();
  const open = (draft: Draft): void =>
    router.go(
      draft.type === "visit"
        ? { at: "finish", file: draft.file, draft: draft.id }
        : draft.type === PART && draft.record !== undefined
          ? { at: "split", file: draft.file, record: draft.record }
          : { at: "write", file: draft.file, type: draft.type, draft: draft.id, ...(draft.record === undefined ? {} : { record: draft.record }) },
    );
  return (
    <>
      <Section>Not finished</Section>
      <ul class="govuk-list app-cards">
        {found.map((draft) => (
          <li class="app-card app-card--draft" key={draft.id}>
            <LinkButton onPress={() => open(draft)}>
              {draftWords(draft.type)}, {titles.get(draft.file) ?? "a file"}
            </LinkButton>
            <p class="app-card__line">Saved on this phone {when(draft.atMs, now())}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Cases({ files }: { readonly files: readonly FileSummary[] }): JSX.Element {
  const { router, now } = useSession();
  return (
    <>
      <Section>Files</Section>
      <ul class="govuk-list app-cards">
        {files.map((file) => (
          <li class="app-card" key={file.id}>
            <LinkButton onPress={() => router.go({ at: "file", file: file.id })}>{file.title}</LinkButton>
            <p class="app-card__line">
              {kindWords(file.kind)}
              {file.lastEventMs !== undefined && ` · ${when(file.lastEventMs, now())}`}
            </p>
            {(file.needsYou > 0 || !file.open) && (
              <p class="app-card__line">
                {file.needsYou > 0 && <Tag colour="red">{file.needsYou === 1 ? "1 needs you" : `${file.needsYou} need you`}</Tag>}
                {!file.open && <Tag colour="grey">Read only</Tag>}
              </p>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}
