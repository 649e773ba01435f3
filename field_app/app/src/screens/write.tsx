/** Writing a record: its form, kept as it is typed, until it is saved or signed. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Button, ErrorSummary, Inset, LinkButton } from "../components/basics";
import { Page, TroubleBox } from "../components/page";
import type { Act, NewChange } from "../device/facade";
import { idOf } from "../forms/context";
import { type Before, NOTHING_BEFORE, type Wrong, boxesBefore, editsOf } from "../forms/edits";
import { RecordForm, fieldsFor, putInto } from "../forms/form";
import { type Field, type RecordType, recordType } from "../forms/schema";
import { boxesOf } from "../forms/boxes";
import type { Choice } from "../forms/context";
import type { Saving, Typed } from "../store/drafts";
import { picturesOf, throwAwayPictures } from "./pictures";
import { SecondLook } from "./second_look";
import { useAct, useAsked, useSession } from "./session";
import { useSettled } from "./settled";
import { typeWords } from "./words";

interface Props {
  readonly file: string;
  readonly type: string;
  readonly record: string | undefined;
  readonly draft: string;
  /** Where it goes on when it is saved: back to where it was begun, else to the file. */
  readonly then?: "back" | undefined;
}

interface Ready {
  readonly type: RecordType;
  readonly fields: readonly Field[];
  readonly before: Before;
  readonly typed: Typed;
  readonly choices: (field: Field) => readonly Choice[];
}

export function Write(props: Props): JSX.Element {
  const { router, device, drafts } = useSession();
  const { file, type: name, record, draft } = props;
  const ready = useOnce(async (): Promise<Ready | undefined> => {
    const type = recordType(name);
    if (type === undefined) return undefined;
    const [summary, choices, view, kept] = await Promise.all([
      device.file(file),
      device.choices(file, name),
      record === undefined ? undefined : device.record(file, record),
      drafts.get(draft),
    ]);
    const fields = fieldsFor(type, { kind: summary.kind, side: device.me.side, roles: device.me.roles }, choices).map((field) => afterwards(name, field));
    const before = view?.before ?? NOTHING_BEFORE;
    const start = kept?.typed ?? (view === undefined ? await startWith(device.startWith(file, name), fields) : boxesBefore(fields, before));
    return { type, fields, before, typed: start, choices };
  });
  const title = record === undefined ? `New ${typeWords(name).toLowerCase()}` : `Change ${typeWords(name).toLowerCase()}`;
  if (ready === undefined) return <></>;
  return (
    <Page title={title} onBack={() => router.back()}>
      <WriteForm {...props} ready={ready} />
    </Page>
  );
}

/** Nobody in danger is kept from raising the alarm because nobody was rung yet: calls go on record under Urgent. */
const afterwards = (type: string, field: Field): Field =>
  type === "urgent_alert" && field.name === "calls" ? { ...field, need: { when: "never", words: undefined } } : field;

async function startWith(asked: ReturnType<ReturnType<typeof useSession>["device"]["startWith"]>, fields: readonly Field[]): Promise<Typed> {
  const values = await asked;
  return Object.assign({}, ...fields.map((field) => boxesOf(field, values[field.name], field.name)));
}

/** Loads once: what is typed must not be replaced by what is fetched meanwhile. */
function useOnce<T>(load: () => Promise<T | undefined>): T | undefined {
  const [value, setValue] = useState<T>();
  useEffect(() => {
    let current = true;
    void load().then((there) => current && setValue(there));
    return () => {
      current = false;
    };
  }, []);
  return value;
}

function WriteForm({ file, type: name, record, draft, then, ready }: Props & { readonly ready: Ready }): JSX.Element {
  const { router, device, drafts, now } = useSession();
  const { type, fields, before, choices } = ready;
  const [typed, setTyped] = useState(ready.typed);
  const [wrong, setWrong] = useState<readonly Wrong[]>([]);
  const [saving, setSaving] = useState<Saving>();
  const { busy, trouble, act } = useAct();
  const last = useRef(typed);

  useEffect(() => drafts.onSaving((id, state) => id === draft && setSaving(state)), [drafts, draft]);

  const keep = (next: Typed): void => {
    last.current = next;
    setTyped(next);
    drafts.save({ id: draft, file, type: name, record, typed: next, atMs: now() });
  };
  const save = (how: Act, whole: boolean): void => {
    const outcome = editsOf(type, fields, before, last.current, whole);
    if ("wrong" in outcome) return setWrong(outcome.wrong);
    setWrong([]);
    act(async () => {
      if (outcome.edits.length > 0 || how === "sign") {
        const change: NewChange = { type: name, record, edits: outcome.edits, act: how };
        if (name === "spend" && record === undefined) await device.spend(file, outcome.edits);
        else await device.write(file, [change]);
      }
      await drafts.discard(draft); // only when the record is on disk
      if (then === "back") router.back();
      else router.replace({ at: "file", file });
    });
  };
  const throwAway = (): void =>
    act(async () => {
      if (record === undefined) await throwAwayPictures(device, file, fields, last.current);
      await drafts.discard(draft);
      router.back();
    });
  return (
    <>
      <ErrorSummary problems={wrong.map(({ box, message }) => ({ message, target: idOf(box) }))} />
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <RecordForm
        fields={fields}
        before={before}
        typed={typed}
        wrong={wrong}
        now={now}
        onPut={(boxes) => keep(putInto(last.current, boxes))}
        choices={choices}
        pictures={picturesOf(device, file)}
      />
      <SecondLook fields={fields} typed={typed} />
      <Told file={file} type={type} fields={fields} before={before} typed={typed} record={record} />
      <Endings type={type} busy={busy} lacking={wrong.length > 0} onSave={save} />
      <p class="govuk-body-s app-quiet" role="status">
        {saving === "failed" ? "Not saved: there may be no room on this phone." : saving === undefined ? "" : "What you type is saved on this phone."}
      </p>
      <LinkButton onPress={throwAway} disabled={busy}>
        Throw this away
      </LinkButton>
    </>
  );
}

interface EndingsProps {
  readonly type: RecordType;
  readonly busy: boolean;
  readonly lacking: boolean;
  readonly onSave: (act: Act, whole: boolean) => void;
}

/** Evidence is signed; what is quick is signed by saving; what lives on is saved, also when something is still to come. */
function Endings({ type, busy, lacking, onSave }: EndingsProps): JSX.Element {
  if (type.weight === "evidence") {
    return (
      <div class="govuk-button-group">
        <Button onPress={() => onSave("sign", true)} disabled={busy}>
          Sign
        </Button>
        <Button look="secondary" onPress={() => onSave("save", false)} disabled={busy}>
          Save as a draft
        </Button>
      </div>
    );
  }
  const living = type.weight === "living";
  return (
    <div class="govuk-button-group">
      <Button onPress={() => onSave(living ? "save" : "sign", true)} disabled={busy}>
        Save
      </Button>
      {living && lacking && (
        <Button look="secondary" onPress={() => onSave("save", false)} disabled={busy}>
          Save without the rest
        </Button>
      )}
    </div>
  );
}

interface ToldProps {
  readonly file: string;
  readonly type: RecordType;
  readonly fields: readonly Field[];
  readonly before: Before;
  readonly typed: Typed;
  readonly record: string | undefined;
}

/** What the other side will be told: a line each, and no form. */
function Told({ file, type, fields, before, typed, record }: ToldProps): JSX.Element | null {
  const settled = useSettled(typed);
  const change = useMemo((): NewChange => {
    const outcome = editsOf(type, fields, before, settled, false);
    return { type: type.name, record, edits: "edits" in outcome ? outcome.edits : [], act: "sign" };
  }, [type, fields, before, settled, record]);
  const told = useAsked((device) => device.willTell(file, change), [file, change]);
  if (told.is !== "there" || told.value.length === 0) return null;
  return (
    <Inset>
      {told.value.map((line) => (
        <p key={line} class="govuk-body">
          {line}
        </p>
      ))}
    </Inset>
  );
}
