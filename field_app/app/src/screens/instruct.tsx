/**
 * Asking something of the other side: from a closed list, for whole weeks, with nothing of why.
 *
 * An end that equals a day in the file, or is the day before one, cannot be chosen: it would tell of it.
 */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Body, Button, ErrorSummary, Inset, type Problem, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert } from "../components/patterns";
import type { Across, Asking, AskingWords, WordsAsked } from "../device/facade";
import { readField } from "../forms/boxes";
import { FormContext, idOf } from "../forms/context";
import { FieldControl } from "../forms/controls/control";
import { showDate } from "../forms/show";
import { putInto } from "../forms/form";
import { type Field, recordType } from "../forms/schema";
import { type Value, isList } from "../forms/values";
import type { Typed } from "../store/drafts";
import { picturesOf } from "./pictures";
import { Looked, TheWords } from "./agree";
import { useAct, useAsked, useSession } from "./session";

interface Props {
  readonly file: string;
}

export function Instruct({ file }: Props): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(async (device) => ({ across: await device.across(file), title: (await device.file(file)).title }), [file]);
  return (
    <WhenThere loaded={loaded}>
      {({ across, title }) => (
        <Page title="Ask something of the other side" caption={title} onBack={() => router.back()}>
          {across.asked.length > 0 && <Asked across={across} />}
          {across.words.length > 0 && <Waiting words={across.words} />}
          {across.cases.length === 0 ? (
            <Body>No case of the other side is linked to this file. The desk links them.</Body>
          ) : (
            <Form file={file} across={across} />
          )}
        </Page>
      )}
    </WhenThere>
  );
}

const Asked = ({ across }: { readonly across: Across }): JSX.Element => (
  <>
    <Section>Asked already</Section>
    <ul class="govuk-list app-cards">
      {across.asked.map((one) => (
        <li class="app-card" key={one.record}>
          {one.says.join(", ")}
          <p class="app-card__line">
            Until {showDate(one.until)} · {one.sent ? "Received" : "Not sent yet"}
          </p>
        </li>
      ))}
    </ul>
  </>
);

/** One's own words, and a colleague's, that have not gone yet. */
const Waiting = ({ words }: { readonly words: readonly WordsAsked[] }): JSX.Element => (
  <>
    <Section>Words that take two people</Section>
    <ul class="govuk-list app-cards">
      {words.map((one) => (
        <li class="app-card" key={one.record}>
          <TheWords asked={one} />
        </li>
      ))}
    </ul>
  </>
);

type What = "say" | "gate" | "words";
const WHATS: readonly (readonly [What, string])[] = [
  ["say", "How they should go about it"],
  ["gate", "Whether contact may be made at all"],
  ["words", "Something in your own words, which a second person reads first"],
];
const ASKED_BY: Readonly<Record<What, readonly string[]>> = { say: ["say"], gate: ["gate"], words: ["free_text", "say"] };

const fieldOf = (type: string, name: string): Field | undefined => recordType(type)?.fields.find((field) => field.name === name);
const fieldsOf = (type: string, ...names: readonly string[]): readonly Field[] => names.map((name) => fieldOf(type, name)).filter((field) => field !== undefined);

/** A letter may be without it; this one asks nothing then. */
const needed = (field: Field): Field => ({ ...field, need: { when: "always", words: undefined } });

const words = (value: Value | undefined): string => (typeof value === "string" ? value : "");
const codes = (value: Value | undefined): readonly string[] => (isList(value) ? value.filter((one) => typeof one === "string") : []);

/** What is missing or wrong, and the box of a field that it is about, if it is one. */
interface Wanting extends Problem {
  readonly box: string;
}

function Form({ file, across }: Props & { readonly across: Across }): JSX.Element {
  const { device, now } = useSession();
  const [to, setTo] = useState(across.cases.length === 1 ? (across.cases[0]?.id ?? "") : "");
  const [what, setWhat] = useState<What>();
  const [weeks, setWeeks] = useState(0);
  const [typed, setTyped] = useState<Typed>({ ring_first: "duty_desk" });
  const [problems, setProblems] = useState<readonly Wanting[]>([]);
  const [done, setDone] = useState<string>();
  const { busy, trouble, act } = useAct();
  const asked = what === undefined ? [] : fieldsOf("instruction", ...ASKED_BY[what]).map((field, index) => (index === 0 ? needed(field) : field));
  const kept = fieldsOf("parcel_sent", "why", "based_on", "her_view");
  const shown = [...asked, ...fieldsOf("instruction", "ring_first"), ...kept];

  const read = (): Asking | AskingWords | readonly Wanting[] => {
    const found: Wanting[] = [];
    const miss = (box: string, message: string): void => void found.push({ message, target: idOf(box), box });
    const values = new Map<string, Value>();
    for (const field of shown) {
      const reading = readField(field, typed, field.name);
      if (reading.is === "value") values.set(field.name, reading.value);
      if (reading.is === "wrong") miss(field.name, reading.message);
    }
    const [say, gate, text] = [codes(values.get("say")), words(values.get("gate")), words(values.get("free_text"))];
    const basedOn = codes(values.get("based_on"));
    if (to === "") found.push({ message: "Say which case it is for", target: "to-0", box: "" });
    if (what === undefined) found.push({ message: "Say what it is about", target: "what-say", box: "" });
    if (what === "say" && say.length === 0) miss("say", "Say what is asked");
    if (what === "gate" && gate === "") miss("gate", "Say whether contact may be made");
    if (what === "words" && text === "") miss("free_text", "Say what to do");
    if (what === "words" && basedOn.length === 0) miss("based_on", "Say whose knowledge it is");
    if (weeks === 0) found.push({ message: "Say for how long", target: "weeks-1", box: "" });
    if (found.length > 0) return found;
    const herView = words(values.get("her_view"));
    const more = {
      to, ringFirst: words(values.get("ring_first")) || "duty_desk", weeks, why: words(values.get("why")), basedOn, herView: herView === "" ? undefined : herView,
    };
    if (what === "words") return { ...more, say, text };
    return { ...more, say: what === "say" ? say : [], gate: what === "gate" ? gate : undefined };
  };
  const send = (): void => {
    const asking = read();
    setProblems("to" in asking ? [] : asking);
    if ("to" in asking) {
      act(async () => {
        setDone("text" in asking ? `Asked for until ${showDate(await device.askWords(file, asking))}. Nothing goes until a second person has read it and agrees.` : `It holds until ${showDate(await device.instruct(file, asking))}, that day included. It goes out with the next sync.`);
        setTyped({ ring_first: "duty_desk" });
        setWhat(undefined);
        setWeeks(0);
      });
    }
  };
  const wrong = useMemo(() => new Map(problems.map((one) => [one.box, one.message])), [problems]);
  const put = (boxes: Typed): void => setTyped((before) => putInto(before, boxes));
  const form = { typed, before: {}, wrong, now, put, choices: () => [], pictures: picturesOf(device, file) };
  const cases = across.cases.map((one, index) => [one.id, one.label, `to-${index}`, ""] as const);
  return (
    <FormContext.Provider value={form}>
      {done !== undefined && (
        <Alert kind="success" heading="Saved on this phone" now>
          <p>{done}</p>
        </Alert>
      )}
      <ErrorSummary problems={problems} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={send} />}
      <Inset>Only what is asked and the days go to the other side. Why, and whose knowledge it is, stay in this file.</Inset>
      {across.cases.length === 1 && <Body>For {across.cases[0]?.label}.</Body>}
      {across.cases.length > 1 && <Radios name="to" legend="For which case" options={cases} chosen={to} onChoose={setTo} />}
      <Radios name="what" legend="What it is about" options={WHATS.map(([id, label]) => [id, label, `what-${id}`, ""])} chosen={what ?? ""} onChoose={(id) => setWhat(WHATS.find(([one]) => one === id)?.[0])} />
      {asked.map((field) => (
        <FieldControl key={field.name} field={field} path={field.name} />
      ))}
      {what === "words" && <Looked text={typed["free_text"] ?? ""} />}
      <Radios
        name="weeks"
        legend="For how long, from today"
        options={across.ends.map(({ weeks: many, until, refused }) => [
          String(many),
          `${many === 1 ? "1 week" : `${many} weeks`}, until ${showDate(until)}`,
          `weeks-${many}`,
          refused ? "Not this end: it would tell of a day in this file." : "",
        ])}
        chosen={weeks === 0 ? "" : String(weeks)}
        onChoose={(many) => setWeeks(Number(many))}
      />
      {fieldsOf("instruction", "ring_first").map((field) => (
        <FieldControl key={field.name} field={field} path={field.name} />
      ))}
      <Section>What stays here</Section>
      {kept.map((field) => (
        <FieldControl key={field.name} field={field} path={field.name} />
      ))}
      <Button onPress={send} disabled={busy}>
        {what === "words" ? "Ask a second person to read it" : "Ask this"}
      </Button>
    </FormContext.Provider>
  );
}

interface RadiosProps {
  readonly name: string;
  readonly legend: string;
  /** Each with its value, its words, its id and why it cannot be chosen, if it cannot. */
  readonly options: readonly (readonly [value: string, label: string, id: string, refused: string])[];
  readonly chosen: string;
  readonly onChoose: (value: string) => void;
}

const Radios = ({ name, legend, options, chosen, onChoose }: RadiosProps): JSX.Element => (
  <div class="govuk-form-group">
    <fieldset class="govuk-fieldset">
      <legend class="govuk-fieldset__legend app-label">{legend}</legend>
      <div class="govuk-radios">
        {options.map(([value, label, id, refused]) => (
          <div class="govuk-radios__item" key={value}>
            <input
              class="govuk-radios__input"
              id={id}
              name={name}
              type="radio"
              value={value}
              autocomplete="off"
              checked={chosen === value}
              disabled={refused !== ""}
              aria-describedby={refused === "" ? undefined : `${id}-hint`}
              onChange={() => onChoose(value)}
            />
            <label class="govuk-label govuk-radios__label" for={id}>
              {label}
            </label>
            {refused !== "" && (
              <div class="govuk-hint govuk-radios__hint app-refused" id={`${id}-hint`}>
                {refused}
              </div>
            )}
          </div>
        ))}
      </div>
    </fieldset>
  </div>
);
