/** A contact in two taps: what is usual is filled in already, and how it ended saves it. */
import type { JSX } from "preact";
import { Button, LinkButton } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { boxesOf } from "../forms/boxes";
import { NOTHING_BEFORE, editsOf } from "../forms/edits";
import { type Field, recordType } from "../forms/schema";
import { showValue } from "../forms/show";
import type { Value } from "../forms/values";
import { newDraft } from "./drafting";
import { useAct, useAsked, useSession } from "./session";
import { Word } from "./visit";

const RESULT = "result";

export function QuickContact({ file }: { readonly file: string }): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(
    async (device) => ({
      title: (await device.file(file)).title,
      start: await device.startWith(file, "contact"),
      names: await device.names(file),
      inForce: (await device.visit(file)).inForce,
    }),
    [file],
  );
  return (
    <WhenThere loaded={loaded}>
      {({ title, start, names, inForce }) => (
        <Page title="New contact" caption={title} onBack={() => router.back()}>
          {inForce.map((word) => (
            <Word key={word.record} file={file} word={word} />
          ))}
          <Usual file={file} start={start} names={names} />
        </Page>
      )}
    </WhenThere>
  );
}

interface UsualProps {
  readonly file: string;
  readonly start: Readonly<Record<string, Value>>;
  readonly names: (id: string) => string | undefined;
}

function Usual({ file, start, names }: UsualProps): JSX.Element | null {
  const { device, router } = useSession();
  const { busy, trouble, act } = useAct();
  const type = recordType("contact");
  if (type === undefined) return null;
  const said = type.fields.filter((field) => start[field.name] !== undefined);
  const result = type.fields.find((field) => field.name === RESULT);
  const edits = (ended: string): ReturnType<typeof editsOf> => {
    const values: Readonly<Record<string, Value>> = { ...start, [RESULT]: ended };
    const typed = Object.assign({}, ...type.fields.map((field) => boxesOf(field, values[field.name], field.name)));
    return editsOf(type, type.fields, NOTHING_BEFORE, typed, true);
  };
  const more = (): void => router.replace({ at: "write", file, type: "contact", draft: newDraft() });
  const save = (ended: string): void => {
    const outcome = edits(ended);
    if ("wrong" in outcome) return more(); // what is usual is not enough this time: the whole form asks
    act(async () => {
      await device.write(file, [{ type: "contact", record: undefined, edits: outcome.edits, act: "sign" }]);
      router.replace({ at: "file", file });
    });
  };
  return (
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <p class="govuk-body">{said.map((field: Field) => showValue(field, start[field.name] ?? null, names)).join(" · ")}</p>
      <h2 class="govuk-heading-m" id="ended">
        How did it end?
      </h2>
      <p class="govuk-hint">One tap saves it.</p>
      <ul class="app-quick" aria-labelledby="ended">
        {(result?.terms ?? []).map(({ code, label }) => (
          <li key={code}>
            <Button look="secondary" onPress={() => save(code)} disabled={busy}>
              {label}
            </Button>
          </li>
        ))}
      </ul>
      <LinkButton onPress={more}>Change this, or say more</LinkButton>
    </>
  );
}
