/** Decisions: two people changed one thing while apart. Both values, who, when, from where; one person decides, with a reason. */
import { type Merged, mergeWords } from "@fieldkeep/core/words";
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Body, Button, ErrorSummary, type Problem } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, TaskList, Tag } from "../components/patterns";
import type { Conflict, ConflictValue } from "../device/facade";
import { readField } from "../forms/boxes";
import { FormContext } from "../forms/context";
import { FieldControl } from "../forms/controls/control";
import { putInto } from "../forms/form";
import { type Field, recordType } from "../forms/schema";
import { type NameOf, showValue } from "../forms/show";
import type { Value } from "../forms/values";
import type { Typed } from "../store/drafts";
import { type Picks, WordByWord, firstOpen, wholeOf } from "./merge";
import { picturesOf } from "./pictures";
import { useAct, useAsked, useSession } from "./session";
import { howLong, when } from "./times";
import { typeWords } from "./words";

function fieldOf(conflict: Conflict): Field | undefined {
  const field = recordType(conflict.type)?.fields.find((one) => one.name === conflict.field);
  return conflict.cell === undefined ? field : field?.cells.find((one) => one.name === conflict.cell);
}

const nameOf = (conflict: Conflict): string => fieldOf(conflict)?.label ?? conflict.field;

export function Conflicts(): JSX.Element {
  const { router, now } = useSession();
  const loaded = useAsked((device) => device.conflicts(), []);
  return (
    <Page title="Decisions that wait" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {(there) =>
          there.length === 0 ? (
            <Body>Nothing waits for a decision.</Body>
          ) : (
            <TaskList
              tasks={[...there]
                .sort((a, b) => Number(b.mine) - Number(a.mine) || a.sinceMs - b.sinceMs)
                .map((conflict) => ({
                  id: `conflict-${conflict.record}-${conflict.field}-${conflict.cell ?? ""}`,
                  title: `${nameOf(conflict)}, in ${typeWords(conflict.type).toLowerCase()}`,
                  hint: `For ${howLong(now() - conflict.sinceMs)} · ${conflict.mine ? "you decide" : `${conflict.owner} decides`}${conflict.stop ? " · nobody may act on it" : ""}`,
                  status: <Tag colour={conflict.stop ? "red" : "orange"}>{conflict.kind === "conflict" ? "Two answers" : "Proposed"}</Tag>,
                  onOpen: () => router.go(placeOf(conflict)),
                }))}
            />
          )
        }
      </WhenThere>
    </Page>
  );
}

const placeOf = ({ file, record, field, cell }: Conflict): { at: "conflict"; file: string; record: string; field: string; cell?: string } => ({
  at: "conflict",
  file,
  record,
  field,
  ...(cell === undefined ? {} : { cell }),
});

interface OneProps {
  readonly file: string;
  readonly record: string;
  readonly field: string;
  readonly cell: string | undefined;
}

export function OneConflict({ file, record, field, cell }: OneProps): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(
    async (device) => ({
      conflict: (await device.conflicts()).find((one) => one.file === file && one.record === record && one.field === field && one.cell === cell),
      names: await device.names(file),
    }),
    [file, record, field, cell],
  );
  return (
    <WhenThere loaded={loaded}>
      {({ conflict, names }) =>
        conflict === undefined ? (
          <Page title="Decided" onBack={() => router.back()}>
            <Body>Somebody has decided this.</Body>
          </Page>
        ) : (
          <Page title={nameOf(conflict)} caption={typeWords(conflict.type)} onBack={() => router.back()}>
            <Decide conflict={conflict} names={names} />
          </Page>
        )
      }
    </WhenThere>
  );
}

const shown = (conflict: Conflict, value: Value, names: NameOf): string => {
  const field = fieldOf(conflict);
  return field === undefined ? JSON.stringify(value) : showValue(field, value, names);
};

function whence(value: ConflictValue, nowMs: number): string {
  const where = value.seq === undefined ? "on this phone, not sent yet" : `place ${value.seq} in the log`;
  const got = value.receivedMs === undefined ? "" : `, received ${when(value.receivedMs, nowMs)}`;
  return `${value.by}, on ${value.device}, ${when(value.atMs, nowMs)}${got}, ${where}`;
}

const OTHER = "other";
const MERGED = "merged";
const BOTH = "both";

/** Words that both wrote can stand one after the other. */
function bothOf(conflict: Conflict): string | undefined {
  const field = fieldOf(conflict);
  const words = conflict.values.map((one) => one.value).filter((value) => typeof value === "string");
  return field?.kind === "long" && words.length === conflict.values.length ? words.join("\n\n") : undefined;
}

/** Two texts, put together from what both began from. */
function mergeOf(conflict: Conflict): Merged | undefined {
  const [a, b] = conflict.values.map(({ value }) => value);
  if (fieldOf(conflict)?.kind !== "long" || conflict.kind !== "conflict" || conflict.values.length !== 2) return undefined;
  return typeof a === "string" && typeof b === "string" ? mergeWords(conflict.base ?? null, a, b) : undefined;
}

function Decide({ conflict, names }: { readonly conflict: Conflict; readonly names: NameOf }): JSX.Element {
  const { device, router, now } = useSession();
  const [chosen, setChosen] = useState("");
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState<Typed>({});
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const { busy, trouble, act } = useAct();
  const field = fieldOf(conflict);
  const both = bothOf(conflict);
  const merged = useMemo(() => mergeOf(conflict), [conflict]);
  const [picks, setPicks] = useState<Picks>({});

  const decided = (): Value | Problem => {
    if (chosen === BOTH && both !== undefined) return both;
    if (chosen === MERGED && merged !== undefined) {
      return wholeOf(merged, picks) ?? { message: "Say whose words stand where both changed them", target: firstOpen(merged, picks) };
    }
    if (chosen === OTHER && field !== undefined) {
      const read = readField(field, typed, field.name);
      if (read.is === "value") return read.value;
      return { message: read.is === "wrong" ? read.message : "Say what it is instead", target: "choose" };
    }
    const value = conflict.values.find((one) => one.id === chosen);
    return value?.value ?? { message: "Choose what is right", target: "choose" };
  };
  const save = (): void => {
    const value = decided();
    const found: Problem[] = [];
    if (isProblem(value)) found.push(value);
    if (reason.trim() === "") found.push({ message: "Say why", target: "reason" });
    setProblems(found);
    if (found.length > 0 || isProblem(value)) return;
    act(async () => {
      await device.decide(conflict, { value, reason: reason.trim() });
      router.back();
    });
  };
  const question = conflict.kind === "conflict" ? "Which is right?" : "Do you take what is proposed?";
  return (
    <>
      <ErrorSummary problems={problems} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={save} />}
      {conflict.stop && (
        <Alert kind="warning" heading="Nobody may act on this until it is decided">
          <p>Treat it as if nothing were known.</p>
        </Alert>
      )}
      <Body>
        {conflict.kind === "conflict" ? "Two people changed this while apart." : "A colleague proposes another answer."}{" "}
        {conflict.mine ? "" : `${conflict.owner} decides this; you may, if that cannot wait.`}
      </Body>
      <div class="govuk-form-group">
        <fieldset class="govuk-fieldset">
          <legend class="govuk-fieldset__legend app-label">{question}</legend>
          <div class="govuk-radios">
            {conflict.values.map((value, index) => (
              <Option key={value.id} id={index === 0 ? "choose" : `choose-${index}`} value={value.id} chosen={chosen} onChoose={setChosen} hint={whence(value, now())}>
                {shown(conflict, value.value, names)}
              </Option>
            ))}
            {both !== undefined && (
              <Option id="choose-both" value={BOTH} chosen={chosen} onChoose={setChosen}>
                Both, one after the other
              </Option>
            )}
            {merged !== undefined && (
              <Option id="choose-merged" value={MERGED} chosen={chosen} onChoose={setChosen} hint={conflict.base === undefined ? "What both wrote alike, and a choice for the rest." : "What each of them changed, in one text."}>
                Put together word by word
              </Option>
            )}
            {field !== undefined && (
              <Option id="choose-other" value={OTHER} chosen={chosen} onChoose={setChosen}>
                Another answer
              </Option>
            )}
          </div>
        </fieldset>
      </div>
      {chosen === MERGED && merged !== undefined && (
        <WordByWord merged={merged} by={[conflict.values[0]?.by ?? "", conflict.values[1]?.by ?? ""]} picks={picks} onPick={setPicks} />
      )}
      {chosen === OTHER && field !== undefined && <Other file={conflict.file} type={conflict.type} field={field} typed={typed} onType={setTyped} />}
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for="reason">
          Why
        </label>
        <div class="govuk-hint" id="reason-hint">
          It is kept with the decision.
        </div>
        <textarea
          class="govuk-textarea"
          id="reason"
          rows={3}
          maxLength={2000}
          autocomplete="off"
          aria-describedby="reason-hint"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </div>
      <Button onPress={save} disabled={busy}>
        Decide
      </Button>
    </>
  );
}

const isProblem = (value: Value | Problem): value is Problem =>
  typeof value === "object" && value !== null && !Array.isArray(value) && "message" in value && "target" in value;

interface OptionProps {
  readonly id: string;
  readonly value: string;
  readonly chosen: string;
  readonly hint?: string;
  readonly onChoose: (value: string) => void;
  readonly children: string;
}

const Option = ({ id, value, chosen, hint, onChoose, children }: OptionProps): JSX.Element => (
  <div class="govuk-radios__item">
    <input
      class="govuk-radios__input"
      id={id}
      name="choose"
      type="radio"
      value={value}
      autocomplete="off"
      checked={chosen === value}
      aria-describedby={hint === undefined ? undefined : `${id}-hint`}
      onChange={() => onChoose(value)}
    />
    <label class="govuk-label govuk-radios__label app-words" for={id}>
      {children}
    </label>
    {hint !== undefined && (
      <div class="govuk-hint govuk-radios__hint" id={`${id}-hint`}>
        {hint}
      </div>
    )}
  </div>
);

interface OtherProps {
  readonly file: string;
  readonly type: string;
  readonly field: Field;
  readonly typed: Typed;
  readonly onType: (typed: Typed) => void;
}

function Other({ file, type, field, typed, onType }: OtherProps): JSX.Element {
  const { device, now } = useSession();
  const loaded = useAsked((asked) => asked.choices(file, type), [file, type]);
  const wrong = useMemo(() => new Map<string, string>(), []);
  return (
    <WhenThere loaded={loaded}>
      {(choices) => {
        const put = (boxes: Typed): void => onType(putInto(typed, boxes));
        const state = { typed, before: {}, wrong, now, put, choices, pictures: picturesOf(device, file) };
        return (
          <FormContext.Provider value={state}>
            <FieldControl field={field} path={field.name} />
          </FormContext.Provider>
        );
      }}
    </WhenThere>
  );
}
