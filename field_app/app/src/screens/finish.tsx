/**
 * Finish visit, on one screen: who was met, what was said, the three taps that nobody may leave out, what was spent, and
 * checking out.
 *
 * It writes a contact, a note on it, the spend with its line in the fund and the check-out together: all of them are on this phone, or none.
 */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Body, Button, ErrorSummary, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import type { NewChange, VisitBrief } from "../device/facade";
import { boxesOf } from "../forms/boxes";
import { type Choice, idOf } from "../forms/context";
import { whenOf } from "../forms/dates";
import { NOTHING_BEFORE, type Wrong, editsOf } from "../forms/edits";
import { RecordForm, putInto } from "../forms/form";
import { type Field, type RecordType, recordType } from "../forms/schema";
import type { Typed } from "../store/drafts";
import { picturesOf, throwAwayPictures } from "./pictures";
import { SecondLook } from "./second_look";
import { useAct, useAsked, useSession } from "./session";
import { Word } from "./visit";

const OF_CONTACT = ["event_at", "mode", "direction", "with", "result", "workers", "minutes", "place"] as const;
const OF_NOTE = ["body", "suicide_or_self_harm", "threat_to_someone", "child_concern"] as const;

const OF_SPEND = ["amount", "bought_on", "category", "item", "payee", "removes_barrier", "for_whom", "paid_how", "receipt", "no_receipt_why"] as const;

const pick = (type: RecordType, names: readonly string[]): readonly Field[] =>
  names.map((name) => type.fields.find((field) => field.name === name)).filter((field) => field !== undefined);

interface Props {
  readonly file: string;
  readonly draft: string;
}

export function FinishVisit({ file, draft }: Props): JSX.Element {
  const { router, drafts } = useSession();
  const contact = recordType("contact");
  const note = recordType("case_note");
  const spend = recordType("spend");
  const [kept, setKept] = useState<Typed>();
  const loaded = useAsked(
    async (device) => ({
      title: (await device.file(file)).title,
      brief: await device.visit(file),
      choices: await device.choices(file, "contact"),
      start: await device.startWith(file, "contact"),
    }),
    [file],
  );
  useEffect(() => {
    void drafts.get(draft).then((found) => setKept(found?.typed ?? {}));
  }, [drafts, draft]);
  if (contact === undefined || note === undefined || spend === undefined || kept === undefined) return <></>;
  return (
    <WhenThere loaded={loaded}>
      {({ title, brief, choices, start }) => {
        const begin = Object.assign({}, ...contact.fields.map((field) => boxesOf(field, start[field.name], field.name)));
        return (
          <Page title="Finish visit" caption={title} onBack={() => router.back()}>
            {brief.inForce.map((word) => (
              <Word key={word.record} file={file} word={word} />
            ))}
            <FinishForm
              file={file}
              draft={draft}
              contact={contact}
              note={note}
              spend={spend}
              brief={brief}
              choices={choices}
              start={Object.keys(kept).length === 0 ? begin : kept}
            />
          </Page>
        );
      }}
    </WhenThere>
  );
}

interface FormProps extends Props {
  readonly contact: RecordType;
  readonly note: RecordType;
  readonly spend: RecordType;
  readonly brief: VisitBrief;
  readonly choices: (field: Field) => readonly Choice[];
  readonly start: Typed;
}

/** Boxes of this screen that are no field's. */
const CHECK_OUT = "check-out";
const SPENT = "spent";

function FinishForm({ file, draft, contact, note, spend, brief, choices, start }: FormProps): JSX.Element {
  const { router, device, drafts, now } = useSession();
  const [typed, setTyped] = useState(start);
  const [wrong, setWrong] = useState<readonly Wrong[]>([]);
  const { busy, trouble, act } = useAct();
  const last = useRef(typed);
  const put = (boxes: Typed): void => {
    last.current = putInto(last.current, boxes);
    setTyped(last.current);
    drafts.save({ id: draft, file, type: "visit", record: undefined, typed: last.current, atMs: now() });
  };
  const contactFields = pick(contact, OF_CONTACT);
  const noteFields = pick(note, OF_NOTE);
  const spendFields = pick(spend, OF_SPEND);
  const [boughtOn] = pick(spend, ["bought_on"]);
  const tickSpent = (ticked: boolean): void =>
    put({ [SPENT]: ticked ? "yes" : "", ...(ticked && boughtOn !== undefined ? boxesOf(boughtOn, { ...whenOf(now()) }, boughtOn.name) : {}) });

  const sign = (): void => {
    const met = editsOf(contact, contactFields, NOTHING_BEFORE, last.current, true);
    const said = editsOf(note, [...noteFields, ...pick(note, ["event_at"])], NOTHING_BEFORE, last.current, true);
    const paid = last.current[SPENT] === "yes" ? editsOf(spend, spendFields, NOTHING_BEFORE, last.current, true) : undefined;
    const found = [...("wrong" in met ? met.wrong : []), ...("wrong" in said ? said.wrong.filter((one) => one.field !== "event_at") : []), ...(paid !== undefined && "wrong" in paid ? paid.wrong : [])];
    setWrong(found);
    if ("wrong" in met || "wrong" in said || (paid !== undefined && "wrong" in paid)) return;
    const { plan } = brief;
    const changes: NewChange[] = [
      { type: "contact", record: undefined, edits: met.edits, act: "sign" },
      { type: "case_note", record: undefined, edits: said.edits, act: "sign", refers: { contact: 0 } },
    ];
    if (paid !== undefined) changes.push({ type: "spend", record: undefined, edits: paid.edits, act: "save" });
    if (plan?.here === true && last.current[CHECK_OUT] === "yes") {
      const out = { ...whenOf(now()) };
      changes.push({ type: "visit_plan", record: plan.record, edits: [{ act: "set", field: "checked_out", value: out }], act: "save" });
    }
    act(async () => {
      await device.write(file, changes);
      if (paid === undefined) await throwAwayPictures(device, file, spendFields, last.current); // of a spend that was ticked, and then not
      await drafts.discard(draft);
      router.replace({ at: "file", file });
    });
  };
  const form = { before: NOTHING_BEFORE, typed, wrong, now, onPut: put, choices, pictures: picturesOf(device, file) };
  return (
    <>
      <ErrorSummary problems={wrong.map(({ box, message }) => ({ message, target: idOf(box) }))} />
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={sign} />}
      <Section>Contact</Section>
      <RecordForm fields={contactFields} {...form} />
      <Section>Note</Section>
      <RecordForm fields={noteFields} {...form} />
      <SecondLook fields={noteFields} typed={typed} />
      <Section>Money</Section>
      <Tick id="spent" label="I spent money on this visit" ticked={typed[SPENT] === "yes"} onTick={tickSpent} />
      {typed[SPENT] === "yes" && <RecordForm fields={spendFields} {...form} />}
      {brief.plan !== undefined && (
        <>
          <Section>Check out</Section>
          {brief.plan.here ? (
            <Tick id="check-out" label="I am out and safe: check me out" ticked={typed[CHECK_OUT] === "yes"} onTick={(ticked) => put({ [CHECK_OUT]: ticked ? "yes" : "" })} />
          ) : (
            <Body>{brief.plan.by} planned this visit, on another phone, which alone can check you out. Ring to say that you are out and safe.</Body>
          )}
        </>
      )}
      <Button onPress={sign} disabled={busy}>
        Sign and finish
      </Button>
    </>
  );
}

interface TickProps {
  readonly id: string;
  readonly label: string;
  readonly ticked: boolean;
  readonly onTick: (ticked: boolean) => void;
}

const Tick = ({ id, label, ticked, onTick }: TickProps): JSX.Element => (
  <div class="govuk-form-group">
    <div class="govuk-checkboxes">
      <div class="govuk-checkboxes__item">
        <input class="govuk-checkboxes__input" id={id} type="checkbox" autocomplete="off" checked={ticked} onChange={(event) => onTick(event.currentTarget.checked)} />
        <label class="govuk-label govuk-checkboxes__label" for={id}>
          {label}
        </label>
      </div>
    </div>
  </div>
);
