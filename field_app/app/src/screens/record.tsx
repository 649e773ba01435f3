/** A record: what it says, who signed it, how it came to be, and what may be done with it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, Section } from "../components/basics";
import { Picture } from "../components/picture";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList, Tag, Timeline } from "../components/patterns";
import type { HistoryItem, RecordView } from "../device/facade";
import { type Field, recordType } from "../forms/schema";
import { type NameOf, showValue, showWhen } from "../forms/show";
import { type Value, isList } from "../forms/values";
import { newDraft } from "./drafting";
import { Marks } from "./file";
import { picturesOf } from "./pictures";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";
import { typeWords } from "./words";

interface Props {
  readonly file: string;
  readonly record: string;
}

export function RecordScreen({ file, record }: Props): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ view: await device.record(file, record), names: await device.names(file) }), [file, record]);
  return (
    <WhenThere loaded={loaded}>
      {({ view, names }) => (
        <Page title={typeWords(view.type)} caption={view.event === undefined ? undefined : showWhen(view.event)} onBack={() => router.back()}>
          {view.doNotRaise && (
            <Alert kind="error" heading="Do not raise this">
              <p>It must not be brought up with him or her.</p>
            </Alert>
          )}
          <p class="govuk-body">
            <Marks record={view} />
          </p>
          <Fields view={view} names={names} />
          <Doings view={view} />
          <Signed view={view} />
          <History file={file} record={record} type={view.type} names={names} />
        </Page>
      )}
    </WhenThere>
  );
}

const fieldOf = (type: string, name: string): Field | undefined => recordType(type)?.fields.find((field) => field.name === name);

/** A field or type that this version does not know is shown as it is. */
const shown = (field: Field | undefined, value: Value, names: NameOf): string =>
  field === undefined ? JSON.stringify(value) : showValue(field, value, names);

interface SaidProps {
  readonly view: RecordView;
  readonly field: Field | undefined;
  readonly value: Value;
  readonly names: NameOf;
}

/** Pictures are shown as pictures, everything else in words. */
function Said({ view, field, value, names }: SaidProps): JSX.Element {
  const { device } = useSession();
  const records = field?.kind === "att" ? [view.id] : field?.kind === "attachments" && isList(value) ? value.filter((one) => typeof one === "string") : [];
  if (records.length === 0) return <span class="app-words">{shown(field, value, names)}</span>;
  return (
    <>
      {records.map((record) => (
        <Picture key={record} record={record} label={names(record) ?? "A picture"} load={picturesOf(device, view.file).show} />
      ))}
    </>
  );
}

function Fields({ view, names }: { readonly view: RecordView; readonly names: NameOf }): JSX.Element {
  const { router } = useSession();
  return (
    <SummaryList
      rows={view.fields.map(({ field: name, value, inConflict, proposals, removed }) => {
        const field = fieldOf(view.type, name);
        return {
          key: field?.label ?? name.replaceAll("_", " "),
          value: (
            <>
              {removed !== undefined && <span class="app-quiet">{removed}</span>}
              {value !== undefined && <Said view={view} field={field} value={value} names={names} />}
              {inConflict && <Tag colour="orange">Two answers</Tag>}
              {proposals > 0 && <Tag colour="blue">{proposals === 1 ? "1 proposal" : `${proposals} proposals`}</Tag>}
            </>
          ),
          ...(inConflict || proposals > 0
            ? {
                actions: (
                  <button
                    type="button"
                    class="app-link-button"
                    onClick={() => router.go({ at: "conflict", file: view.file, record: view.id, field: name })}
                  >
                    Decide<span class="govuk-visually-hidden"> about {field?.label ?? name}</span>
                  </button>
                ),
              }
            : {}),
        };
      })}
    />
  );
}

const ACTS = { addendum: "Add to it", void: "Make it void" } as const;

function Doings({ view }: { readonly view: RecordView }): JSX.Element {
  const { router } = useSession();
  const [open, setOpen] = useState<"addendum" | "void">();
  const edit = (): void => router.go({ at: "write", file: view.file, type: view.type, record: view.id, draft: newDraft() });
  return (
    <>
      <div class="govuk-button-group">
        {view.may.includes("edit") && <Button onPress={edit}>Change</Button>}
        {view.may.includes("sign") && <Button onPress={edit}>Finish and sign</Button>}
        {view.may.includes("addendum") && (
          <Button look="secondary" onPress={() => setOpen("addendum")}>
            {ACTS.addendum}
          </Button>
        )}
        {view.may.includes("void") && (
          <Button look="secondary" onPress={() => setOpen("void")}>
            {ACTS.void}
          </Button>
        )}
      </div>
      {open !== undefined && <Later key={open} view={view} act={open} onDone={() => setOpen(undefined)} />}
    </>
  );
}

/** Words that are added to what was signed, with their reason; a record that is made void keeps all that it held. */
function Later({ view, act, onDone }: { readonly view: RecordView; readonly act: "addendum" | "void"; readonly onDone: () => void }): JSX.Element {
  const { device } = useSession();
  const [words, setWords] = useState("");
  const [reason, setReason] = useState("");
  const { busy, trouble, act: doIt } = useAct();
  const ready = reason.trim() !== "" && (act === "void" || words.trim() !== "");
  const save = (): void =>
    doIt(async () => {
      if (act === "void") await device.makeVoid(view.file, view.id, reason.trim());
      else await device.addAddendum(view.file, view.id, words, reason.trim());
      onDone();
    });
  return (
    <section class="app-inline" aria-label={ACTS[act]}>
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={save} />}
      {act === "addendum" && (
        <div class="govuk-form-group">
          <label class="govuk-label app-label" for="later-words">
            What is added
          </label>
          <textarea class="govuk-textarea" id="later-words" rows={4} autocomplete="off" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        </div>
      )}
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for="later-reason">
          Why
        </label>
        <input class="govuk-input" id="later-reason" type="text" maxLength={200} autocomplete="off" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </div>
      <div class="govuk-button-group">
        <Button look={act === "void" ? "warning" : "plain"} onPress={save} disabled={busy || !ready}>
          {ACTS[act]}
        </Button>
        <Button look="secondary" onPress={onDone}>
          Leave it
        </Button>
      </div>
    </section>
  );
}

function Signed({ view }: { readonly view: RecordView }): JSX.Element | null {
  const { now } = useSession();
  if (view.signatures.length === 0) return null;
  return <Body>Signed by {view.signatures.map(({ by, atMs }) => `${by}, ${when(atMs, now())}`).join("; ")}</Body>;
}

interface HistoryProps extends Props {
  readonly type: string;
  readonly names: NameOf;
}

function History({ file, record, type, names }: HistoryProps): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <details class="govuk-details" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="govuk-details__summary">
        <span class="govuk-details__summary-text">How it came to be</span>
      </summary>
      <div class="govuk-details__text">{open && <Changes file={file} record={record} type={type} names={names} />}</div>
    </details>
  );
}

function Changes({ file, record, type, names }: HistoryProps): JSX.Element {
  const { now } = useSession();
  const loaded = useAsked((device) => device.history(file, record), [file, record]);
  return (
    <WhenThere loaded={loaded}>
      {(there) => (
        <>
          <Section>Changes</Section>
          <Timeline
            items={there.map((item, index) => ({
              id: String(index),
              title: item.signed ? "Signed" : index === 0 ? "Written" : "Changed",
              by: `${item.by}, on ${item.device}`,
              when: received(item, now()),
              marks: item.late ? <Tag colour="purple">Let in later</Tag> : item.clockUnsure ? <Tag colour="purple">Clock unsure</Tag> : undefined,
              children: (
                <ul class="govuk-list">
                  {item.edits.map((edit, number) => (
                    <li key={number}>
                      {fieldOf(type, edit.field)?.label ?? edit.field}: {shownEdit(type, edit, names)}
                    </li>
                  ))}
                </ul>
              ),
            }))}
          />
        </>
      )}
    </WhenThere>
  );
}

function shownEdit(type: string, edit: HistoryItem["edits"][number], names: NameOf): string {
  const field = fieldOf(type, edit.field);
  const part = edit.cell === undefined ? field : field?.cells.find((cell) => cell.name === edit.cell);
  const list = field?.kind === "list" && edit.cell === undefined && edit.act === "add" ? [edit.value] : edit.value;
  const words = shown(part, list, names);
  return edit.act === "remove" ? `no longer ${words}` : words;
}

const received = (item: HistoryItem, nowMs: number): string =>
  item.receivedMs === undefined ? `${when(item.atMs, nowMs)}, on this phone` : `${when(item.atMs, nowMs)}, received ${when(item.receivedMs, nowMs)}`;
