/**
 * Two people's texts, put together word by word: what each changed alone is in it already; where both changed the same words,
 * whoever decides says whose stand. It is a proposal: nothing is taken before "Decide" (core/src/words.ts).
 */
import type { Merged, Piece } from "@fieldkeep/core/words";
import type { JSX } from "preact";

/** By the place of a piece: whose words stand there. */
export type Picks = Readonly<Record<number, "a" | "b">>;

const idAt = (index: number): string => `clash-${index}-a`;

const textOf = (piece: Piece, pick: "a" | "b" | undefined): string | undefined =>
  piece.kind !== "clash" ? piece.text : pick === undefined ? undefined : piece[pick];

/** The whole text, or nothing while a place is open. */
export function wholeOf({ pieces }: Merged, picks: Picks): string | undefined {
  const texts = pieces.map((piece, index) => textOf(piece, picks[index]));
  return texts.includes(undefined) ? undefined : texts.join("");
}

/** Where somebody has to say something first. */
export function firstOpen({ pieces }: Merged, picks: Picks): string {
  return idAt(Math.max(0, pieces.findIndex((piece, index) => textOf(piece, picks[index]) === undefined)));
}

interface Props {
  readonly merged: Merged;
  /** Whose the two texts are. */
  readonly by: readonly [string, string];
  readonly picks: Picks;
  readonly onPick: (picks: Picks) => void;
}

export function WordByWord({ merged, by, picks, onPick }: Props): JSX.Element {
  const clashes = merged.pieces.flatMap((piece, index) => (piece.kind === "clash" ? [{ piece, index }] : []));
  return (
    <section class="app-inline" aria-label="Put together">
      <p class="govuk-body app-words app-merged">
        {merged.pieces.map((piece, index) => (
          <Shown key={index} piece={piece} pick={picks[index]} by={by} />
        ))}
      </p>
      {clashes.map(({ piece, index }, number) => (
        <div class="govuk-form-group" key={index}>
          <fieldset class="govuk-fieldset">
            <legend class="govuk-fieldset__legend app-label">
              {clashes.length === 1 ? "Both changed these words" : `Both changed these words, place ${number + 1} of ${clashes.length}`}
            </legend>
            {piece.was.trim() !== "" && <div class="govuk-hint app-words">They were: {piece.was}</div>}
            <div class="govuk-radios">
              {(["a", "b"] as const).map((who, place) => (
                <div class="govuk-radios__item" key={who}>
                  <input
                    class="govuk-radios__input"
                    id={`clash-${index}-${who}`}
                    name={`clash-${index}`}
                    type="radio"
                    value={who}
                    autocomplete="off"
                    checked={picks[index] === who}
                    onChange={() => onPick({ ...picks, [index]: who })}
                  />
                  <label class="govuk-label govuk-radios__label app-words" for={`clash-${index}-${who}`}>
                    {by[place]}: {piece[who].trim() === "" ? "nothing there" : `“${piece[who].trim()}”`}
                  </label>
                </div>
              ))}
            </div>
          </fieldset>
        </div>
      ))}
    </section>
  );
}

/** What somebody put in is marked, and what somebody took out is struck through, each with their name for those who cannot see it. */
function Shown({ piece, pick, by }: { readonly piece: Piece; readonly pick: "a" | "b" | undefined; readonly by: readonly [string, string] }): JSX.Element {
  if (piece.kind === "same") return <>{piece.text}</>;
  if (piece.kind === "clash") {
    return pick === undefined ? <mark class="app-merged__open">[both changed: “{piece.was.trim()}”]</mark> : <ins class="app-merged__in">{piece[pick]}</ins>;
  }
  const who = piece.by === "both" ? "both" : by[piece.by === "a" ? 0 : 1];
  return (
    <>
      {piece.was !== "" && (
        <del class="app-merged__out">
          <span class="govuk-visually-hidden"> taken out by {who}: </span>
          {piece.was}
        </del>
      )}
      {piece.text !== "" && (
        <ins class="app-merged__in">
          <span class="govuk-visually-hidden"> put in by {who}: </span>
          {piece.text}
        </ins>
      )}
    </>
  );
}
