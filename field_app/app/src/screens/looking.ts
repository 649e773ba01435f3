/** Words of a narrative that are worth a second look (docs/spec.md §5.9), what tells of somebody else first. Pure; fetched when somebody types a narrative. */
import { phrases } from "@fieldkeep/core/hints/phrasing";
import { spills } from "@fieldkeep/core/hints/spills";

export interface Look {
  readonly words: string;
  /** What they may tell, in a sentence about somebody else or not; or what to say instead. */
  readonly tells: string | undefined;
  readonly near: boolean;
  readonly instead: string | undefined;
}

/** On the victim side her places are what a file is for: there only the second kind is looked for. */
export function looksIn(texts: readonly string[], spilling: boolean): readonly Look[] {
  const found = texts.flatMap((text): readonly Look[] => {
    const told = spilling ? spills(text) : [];
    return [
      ...told.map(({ what, start, end, near }): Look => ({ words: text.slice(start, end), tells: what, near, instead: undefined })),
      ...phrases(text).map(({ start, end, instead }): Look => ({ words: text.slice(start, end), tells: undefined, near: false, instead })),
    ];
  });
  const rank = ({ near, instead }: Look): number => (near ? 0 : instead === undefined ? 1 : 2);
  return found.sort((a, b) => rank(a) - rank(b));
}
