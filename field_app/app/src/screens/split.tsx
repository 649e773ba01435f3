/**
 * The other side's part of a referral, item by item: first typed, then shown exactly as it goes, and only then given
 * (docs/spec.md §15.8). What repeats a detail of the people harmed is refused before anything is shown.
 */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, Details, Inset, LinkButton, Warning } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList } from "../components/patterns";
import type { Pack, PartLine } from "../device/facade";
import { boxesOf } from "../forms/boxes";
import type { Field } from "../forms/schema";
import type { Value } from "../forms/values";
import type { Typed } from "../store/drafts";
import { fieldOf, useBoxes } from "./boxes";
import { useAct, useAsked, useSession } from "./session";
import { PART } from "./words";

const draftOf = (record: string): string => `${PART}-${record}`;

const FIELDS: readonly Field[] = [
  "names", "area", "qualifying_needs", "risk_at_referral", "supplied", "reason", "abuse_types", "linked_people", "agency", "referrer", "route", "mandated_by", "earlier_referral",
  "recency_last_incident", "frequency_12m", "born",
].map((name) => ({ ...fieldOf("referral", name), need: { when: name === "names" ? "always" : "never", words: undefined } }));

interface Props {
  readonly file: string;
  readonly record: string;
}

export function SplitScreen({ file, record }: Props): JSX.Element {
  const { router, drafts } = useSession();
  const loaded = useAsked(
    async (device) => ({ pack: (await device.packs()).find((one) => one.file === file && one.record === record), typed: (await drafts.get(draftOf(record)))?.typed }),
    [file, record],
  );
  return (
    <Page title="Give the other side its part" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {({ pack, typed }) => (pack === undefined ? <Body>That referral is not on this phone any more.</Body> : <Part pack={pack} kept={typed} />)}
      </WhenThere>
    </Page>
  );
}

function beginning({ startWith }: Pack): Typed {
  return Object.assign({}, ...FIELDS.map((field) => boxesOf(field, startWith[field.name], field.name)));
}

interface Shown {
  readonly values: Readonly<Record<string, Value>>;
  readonly lines: readonly PartLine[];
}

function Part({ pack, kept }: { readonly pack: Pack; readonly kept: Typed | undefined }): JSX.Element {
  const { device, drafts, router, now } = useSession();
  const { file, record, items, given, who } = pack;
  const [stays, setStays] = useState<readonly string[]>([]);
  const [shown, setShown] = useState<Shown>();
  const [done, setDone] = useState(false);
  const { busy, trouble, act } = useAct();
  const { form, read } = useBoxes(FIELDS, {
    start: kept ?? beginning(pack),
    onTyped: (typed) => drafts.save({ id: draftOf(record), file, type: PART, record, typed, atMs: now() }),
  });
  const show = (): void => {
    const values = read();
    if (values !== undefined) act(async () => setShown({ values, lines: await device.partOf(file, record, values) }));
  };
  const give = ({ values }: Shown): void =>
    act(async () => {
      await device.split(file, record, values, stays);
      await drafts.discard(draftOf(record)); // only when it is on disk
      setDone(true);
    });
  if (done)
    return (
      <>
        <Alert kind="success" heading="Saved on this phone" now>
          <p>It goes to the other side’s desk with the next sync. The referral keeps what went and what stayed.</p>
        </Alert>
        <Button look="secondary" onPress={() => router.go({ at: "referrals" })}>
          Referrals
        </Button>
      </>
    );
  if (shown !== undefined)
    return (
      <>
        {trouble !== undefined && <TroubleBox trouble={trouble} />}
        <Warning>This goes to the other side’s desk, and nothing else. Read every word: does any of it come from her?</Warning>
        <SummaryList rows={shown.lines.map(({ label, value }) => ({ key: label, value }))} />
        <div class="govuk-button-group">
          <Button look="warning" onPress={() => give(shown)} disabled={busy}>
            Give them exactly this
          </Button>
          <Button look="secondary" onPress={() => setShown(undefined)} disabled={busy}>
            Change it
          </Button>
        </div>
      </>
    );
  return (
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {given.length > 0 && <Inset>A part of this referral was given before: {given.map((name) => name.replaceAll("_", " ")).join(", ")}.</Inset>}
      <Body>About {who}. Nothing of the people harmed goes but what he knows already, and then with why he knows it.</Body>
      {form(
        <>
          <Details summary="What was looked at and stays here">
            <Kept items={items} chosen={stays} onChoose={setStays} />
          </Details>
          <Button onPress={show} disabled={busy}>
            Show what goes
          </Button>
        </>,
      )}
      <LinkButton onPress={() => router.go({ at: "record", file, record })} about={who}>
        Open the referral
      </LinkButton>
    </>
  );
}

interface KeptProps {
  readonly items: Pack["items"];
  readonly chosen: readonly string[];
  readonly onChoose: (chosen: readonly string[]) => void;
}

const Kept = ({ items, chosen, onChoose }: KeptProps): JSX.Element => (
  <fieldset class="govuk-fieldset">
    <legend class="govuk-fieldset__legend app-label">Looked at, and not given</legend>
    <div class="govuk-checkboxes">
      {items.map(({ id, label }, index) => (
        <div class="govuk-checkboxes__item" key={id}>
          <input
            class="govuk-checkboxes__input"
            id={`stays-${index}`}
            type="checkbox"
            autocomplete="off"
            checked={chosen.includes(id)}
            onChange={(event) => onChoose(event.currentTarget.checked ? [...chosen, id] : chosen.filter((one) => one !== id))}
          />
          <label class="govuk-label govuk-checkboxes__label" for={`stays-${index}`}>
            {label}
          </label>
        </div>
      ))}
    </div>
  </fieldset>
);
