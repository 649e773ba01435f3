/**
 * Places of the app, and the way between them.
 *
 * The address says a number and nothing else (`#3`): it stays in the browser's history, on the phone, in the clear. What the
 * number means is known only while the app is unlocked. A number that is not known, after a new start, is home.
 */

export type Place =
  | { readonly at: "home" }
  | { readonly at: "file"; readonly file: string }
  | { readonly at: "visit"; readonly file: string }
  | { readonly at: "contact"; readonly file: string }
  | { readonly at: "types"; readonly file: string }
  | { readonly at: "record"; readonly file: string; readonly record: string }
  | { readonly at: "write"; readonly file: string; readonly type: string; readonly record?: string; readonly draft: string; readonly then?: "back" }
  | { readonly at: "finish"; readonly file: string; readonly draft: string }
  | { readonly at: "instruct"; readonly file: string }
  | { readonly at: "urgent" }
  | { readonly at: "due" }
  | { readonly at: "search" }
  | { readonly at: "sending" }
  | { readonly at: "conflicts" }
  | { readonly at: "conflict"; readonly file: string; readonly record: string; readonly field: string; readonly cell?: string }
  | { readonly at: "held"; readonly file: string }
  | { readonly at: "handovers" }
  | { readonly at: "fund" }
  | { readonly at: "lost" }
  | { readonly at: "help" }
  | { readonly at: "recovery" }
  | { readonly at: "agree" }
  | { readonly at: "referrals" }
  | { readonly at: "split"; readonly file: string; readonly record: string }
  | { readonly at: "more" }
  | { readonly at: "settings" }
  | { readonly at: "console"; readonly view: "audit" | "charts" | "save"; readonly row?: number };

export const HOME: Place = { at: "home" };

export class Router {
  readonly #places = new Map<number, Place>();
  readonly #listeners = new Set<() => void>();
  #next = 1;
  #place: Place = HOME;

  constructor() {
    addEventListener("popstate", () => {
      this.#place = this.#places.get(Number(location.hash.slice(1))) ?? HOME;
      this.#tell();
    });
  }

  get place(): Place {
    return this.#place;
  }

  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  go(place: Place): void {
    this.#arrive(place, (address) => history.pushState(null, "", address));
  }

  /** Goes there in place of here: "back" does not return to what is finished. */
  replace(place: Place): void {
    this.#arrive(place, (address) => history.replaceState(null, "", address));
  }

  back(): void {
    history.back();
  }

  /** Forgets what the numbers mean. */
  forget(): void {
    this.#places.clear();
    this.#place = HOME;
    history.replaceState(null, "", "#");
  }

  #arrive(place: Place, move: (address: string) => void): void {
    const number = this.#next;
    this.#next += 1;
    this.#places.set(number, place);
    this.#place = place;
    move(`#${number}`);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
