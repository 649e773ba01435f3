/** Before somebody signs: words worth a second look. It keeps nobody from signing, and nothing of it is kept or sent (docs/spec.md §5.9). */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { Inset } from "../components/basics";
import type { Field } from "../forms/schema";
import type { Typed } from "../store/drafts";
import type { Look } from "./looking";
import { useSession } from "./session";
import { useSettled } from "./settled";

const MOST = 8;

/** What is typed in the narratives of a form, rows of lists too. */
function textsIn(fields: readonly Field[], typed: Typed): readonly string[] {
  const own = fields.flatMap(({ kind, name }) => (kind === "long" ? [typed[name] ?? ""] : []));
  const lists = fields.filter(({ kind }) => kind === "list");
  const cells = lists.flatMap(({ name, cells: all }) => {
    const ends = all.filter(({ kind }) => kind === "long").map((cell) => `.${cell.name}`);
    return Object.entries(typed).flatMap(([box, text]) => (box.startsWith(`${name}.`) && ends.some((end) => box.endsWith(end)) ? [text] : []));
  });
  return [...own, ...cells].filter((text) => text.trim() !== "");
}

function useLooks(texts: readonly string[]): readonly Look[] {
  const { device } = useSession();
  const [found, setFound] = useState<readonly Look[]>([]);
  const all = JSON.stringify(texts);
  useEffect(() => {
    let current = true;
    if (texts.length === 0) setFound([]);
    else
      import("./looking").then(
        ({ looksIn }) => current && setFound(looksIn(texts, device.me.side === "perpetrator")),
        () => undefined, // without hints a note is signed all the same
      );
    return () => {
      current = false;
    };
  }, [all, device]);
  return found;
}

function lineOf({ words, tells, near, instead }: Look): string {
  if (tells === undefined) return `“${words}”. Better: ${instead ?? ""}`;
  return `“${words}”: ${/^[aeiou]/.test(tells) ? "an" : "a"} ${tells}${near ? ", in a sentence about somebody else" : ""}.`;
}

export function SecondLook({ fields, typed }: { readonly fields: readonly Field[]; readonly typed: Typed }): JSX.Element {
  const settled = useSettled(typed);
  const looks = useLooks(useMemo(() => textsIn(fields, settled), [fields, settled]));
  const many = looks.length === 1 ? "1 thing to look at again before you sign." : `${looks.length} things to look at again before you sign.`;
  return (
    <>
      <p class="govuk-visually-hidden" role="status">
        {looks.length === 0 ? "" : many}
      </p>
      {looks.length > 0 && (
        <Inset>
          <p class="govuk-body">Look at these again. They may tell where somebody is, or hide who did what. You can sign all the same.</p>
          <ul class="govuk-list govuk-list--bullet">
            {looks.slice(0, MOST).map((look, index) => (
              <li key={index}>{lineOf(look)}</li>
            ))}
          </ul>
          {looks.length > MOST && <p class="govuk-body">And {looks.length - MOST} more.</p>}
        </Inset>
      )}
    </>
  );
}
