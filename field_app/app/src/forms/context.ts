/** What every control of a form shares: what is typed, what is wrong with it, and what there is to choose from. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { LoadPicture } from "../components/picture";
import type { Typed } from "../store/drafts";
import type { Field } from "./schema";

export interface Choice {
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
}

export interface FormState {
  readonly typed: Typed;
  /** Boxes of the record as it is: what is there cannot be unsaid. */
  readonly before: Typed;
  /** By box. */
  readonly wrong: ReadonlyMap<string, string>;
  readonly now: () => number;
  /** Puts text into boxes; an empty text empties one. */
  readonly put: (boxes: Typed) => void;
  /** Records, people or devices that a field may name. */
  readonly choices: (field: Field) => readonly Choice[];
  readonly pictures: Pictures;
}

/** Pictures of the file that the form is about. */
export interface Pictures {
  /** Keeps one for the record that is being written, and gives its id. */
  readonly attach: (content: File, kind: "photo" | "receipt") => Promise<Choice>;
  /** What was kept for a record that is not saved goes. */
  readonly takeBack: (record: string) => Promise<void>;
  readonly show: LoadPicture;
}

export const FormContext = createContext<FormState | undefined>(undefined);

export function useForm(): FormState {
  const state = useContext(FormContext);
  if (state === undefined) throw new Error("a control stands outside of a form");
  return state;
}

/** The id of a box's element. */
export const idOf = (box: string): string => `f-${box.replaceAll(/[^A-Za-z0-9]/g, "-")}`;

/** The ids of what describes a box, of those that are there. */
export function describedBy(box: string, hint: boolean, wrong: boolean): string | undefined {
  const ids = [hint ? `${idOf(box)}-hint` : "", wrong ? `${idOf(box)}-error` : ""].filter((id) => id !== "");
  return ids.length === 0 ? undefined : ids.join(" ");
}
