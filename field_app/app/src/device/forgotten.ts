/**
 * A forgotten passphrase, on the locked phone (docs/spec.md §13.4): a request, the digits that are read back, the answer.
 *
 * The new passphrase is chosen with the request, and the seed of the request's key is kept under it: so an answer opens
 * nothing for whoever has a copy of this phone. Nothing that is sealed is touched before the answer was judged.
 */
import { receivingKey } from "@fieldkeep/core/hpke";
import { Refused } from "@fieldkeep/core/errors";
import { decodeHelpRequest } from "@fieldkeep/core/help";
import { limit } from "@fieldkeep/core/limits";
import type { Schemas } from "@fieldkeep/core/record_types";
import { helpDigits, makeRequest, openAnswer } from "@fieldkeep/core/unlock";
import { boxesOf, recipientsNow, rememberBoxes } from "@fieldkeep/device/boxes";
import { answerIn, checkHelped, isEnded, requestLine } from "@fieldkeep/device/helping";
import { copied, readIdentity } from "@fieldkeep/device/identity";
import { Session } from "@fieldkeep/device/session";
import type { WaitingRequest } from "../store/database";
import { ownOf, unwrapRequest, wrapRequest } from "../store/keyring";
import { StoreRefusal } from "../store/refusal";
import type { Store } from "../store/store";
import { inWords } from "./live/trouble";

/** A request that was made within the hour. */
export interface Asking {
  /** To be sent to whoever helps, by any way. */
  readonly line: string;
  readonly untilMs: number;
}

export interface Forgotten {
  /** Whether anybody can help to open this phone: it has synced, and somebody may. */
  canHelp(store: Store): boolean;
  asking(store: Store): Asking | undefined;
  /** Makes a request, in the place of an earlier one, with the passphrase that is to be in force. Raises Trouble, StoreRefusal `too-short`. */
  ask(store: Store, passphrase: string): Promise<Asking>;
  /** What is read back for the six digits that were heard. Raises Trouble. */
  readBack(store: Store, heard: string): string;
  /** Opens the phone with an answer, under the passphrase that was chosen with the request. Raises Trouble, StoreRefusal `wrong-passphrase`, `damaged`. */
  finish(store: Store, answer: string, passphrase: string): Promise<void>;
}

export function forgottenWith(schemas: Schemas, now: () => number): Forgotten {
  const waiting = (store: Store): WaitingRequest => {
    const { request } = store;
    if (request === undefined || isEnded(request.request, now()))
      throw new Refused("request-ended", "the request was made more than an hour ago, or another one since");
    return request;
  };
  const shown = ({ request }: WaitingRequest): Asking => ({ line: requestLine(request), untilMs: decodeHelpRequest(request).made + limit("help_ms") });
  return {
    canHelp: (store) => (store.help?.boxes.length ?? 0) > 0,
    asking: (store) => (store.request === undefined || isEnded(store.request.request, now()) ? undefined : shown(store.request)),
    ask: (store, passphrase) =>
      inWords(async () => {
        const { help } = store;
        if (help === undefined || help.boxes.length === 0) throw new Refused("not-found", "nobody can help to open this phone");
        const own = await ownOf(passphrase);
        const seed = crypto.getRandomValues(new Uint8Array(32));
        const key = await receivingKey(seed);
        const request = copied(makeRequest({ device: help.device, key, made: Math.max(0, now()), boxes: help.boxes }));
        const kept = await wrapRequest(seed, own, request);
        seed.fill(0);
        await store.keepRequest(kept);
        return shown(kept);
      }),
    readBack: (store, heard) => helpDigits(waiting(store).request, heard.replaceAll(/\s/g, "")),
    finish: (store, answer, passphrase) => inWords(() => finish(store, waiting(store), answer, passphrase)),
  };

  async function finish(store: Store, { request, ...wrapped }: WaitingRequest, line: string, passphrase: string): Promise<void> {
    const answer = answerIn(line);
    const found = await unwrapRequest({ request, ...wrapped }, passphrase);
    if (found === undefined) throw new StoreRefusal("wrong-passphrase", "that is not the passphrase that was chosen with the request");
    const { keys, help } = await openAnswer(found.seed, request, answer);
    let opened: Session | undefined;
    await store.recover(keys.map(copied), found.own, async () => {
      const identity = await readIdentity(store);
      if (identity === null) throw new StoreRefusal("damaged", "there is no device on this phone");
      opened = await Session.open(store, identity, schemas, now);
      await checkHelped(opened, request, help);
      return boxesOf(opened, recipientsNow(opened));
    });
    if (opened !== undefined) await rememberBoxes(opened, recipientsNow(opened), store);
  }
}
