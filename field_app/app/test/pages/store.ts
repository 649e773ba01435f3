/** The store on its own, within reach of a test. */
import { derive } from "../../src/store/argon";
import { Drafts } from "../../src/store/drafts";
import { ownOf, unwrapRequest, wrapRequest } from "../../src/store/keyring";
import { StoreRefusal } from "../../src/store/refusal";
import { Store } from "../../src/store/store";

const bytes = (words: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(words);

let skewMs = 0;
const clock = (): number => Date.now() + skewMs;

const reach = {
  Store,
  Drafts,
  derive,
  ownOf,
  wrapRequest,
  unwrapRequest,
  bytes,
  words: (content: Uint8Array | undefined): string | undefined => content && new TextDecoder().decode(content),
  open: (name = "test"): Promise<Store> => Store.open(name, clock),
  skew: (ms: number): void => {
    skewMs = ms;
  },
  /** Why a promise was refused, or "done". */
  why: (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "done",
      (error: unknown) => (error instanceof StoreRefusal ? error.why : `other: ${String(error)}`),
    ),
};

declare global {
  var reach: ReachOfStore;
}
export type ReachOfStore = typeof reach;
globalThis.reach = reach;
