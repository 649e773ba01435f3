/** Requests to the server: signed, under a nonce that is used once. Spec 9.1. Nothing here looks into a body. */
import { encode } from "@fieldkeep/core/cbor";
import { type Code, Refused } from "@fieldkeep/core/errors";
import type { SigningKey } from "@fieldkeep/core/keys";
import { authorization } from "@fieldkeep/core/request";
import table from "../../../shared_schema/errors.json" with { type: "json" };
import { anything, decodeAs, list, map, millis, text } from "@fieldkeep/core/shape";
import type { Identity } from "./identity";
import { copied } from "./identity";

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

const NONCE = "Fieldkeep-Nonce";
const CBOR = "application/cbor";
const ANSWER_MS = 60_000;
/** A chunk of a mebibyte over a line of 30 kbit/s: as long as the server waits for one. */
const CHUNK_MS = 300_000;
const nonces = map({ nonces: list(text(1, 200), 1), time: millis });
const failure = map({ code: text(1, 64), message: text(1, 500), retry: text(1, 40) });
const offline = (): Refused =>
  new Refused("offline", "the server could not be reached: everything stays on this phone");

function isCode(word: string): word is Code {
  return Object.hasOwn(table.errors, word);
}

/**
 * One device's way to the server. Requests of one transport go one after the other: each uses the nonce that the last
 * one brought.
 */
export class Transport {
  readonly #server: string;
  readonly #fetch: Fetch;
  #nonce: string | null = null;

  constructor(server: string, fetch: Fetch) {
    this.#server = server.replace(/\/+$/, "");
    this.#fetch = fetch;
  }

  /**
   * Raises Refused with the server's code, or `offline`. A request whose answer was lost is asked once more: asking
   * twice does nothing twice.
   */
  async signed(
    me: Identity,
    key: SigningKey,
    method: "GET" | "POST" | "PUT",
    path: string,
    body: Uint8Array = new Uint8Array(),
  ): Promise<Uint8Array> {
    for (let turn = 0; ; turn++) {
      try {
        return await this.#once(me, key, method, path, body);
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "nonce-spent" || turn > 0) throw error;
        this.#nonce = null;
      }
    }
  }

  async #once(
    me: Identity,
    key: SigningKey,
    method: "GET" | "POST" | "PUT",
    path: string,
    body: Uint8Array,
  ): Promise<Uint8Array> {
    const nonce = this.#nonce ?? (await this.#fresh(me.side));
    this.#nonce = null;
    const signed = await authorization(
      { device: me.device, svc: me.svc, side: me.side, method, path, body },
      nonce,
      key,
    );
    return this.#answer(path, {
      method,
      headers: { Authorization: signed, "Content-Type": CBOR },
      ...(body.length > 0 && { body: copied(body) }),
    });
  }

  /** A request that nobody signs: an enrolment. */
  unsigned(path: string, body: Uint8Array): Promise<Uint8Array> {
    return this.#answer(path, { method: "POST", headers: { "Content-Type": CBOR }, body: copied(body) });
  }

  /** A question that nobody signs. */
  asked(path: string): Promise<Uint8Array> {
    return this.#answer(path, { method: "GET" });
  }

  async #fresh(side: string): Promise<string> {
    const answer = await this.#answer(`/v1/nonces?side=${side}`, { method: "GET" });
    const [first] = decodeAs(nonces, answer).nonces;
    if (first === undefined) throw new Refused("malformed", "an answer without a nonce");
    return first;
  }

  async #answer(path: string, init: RequestInit): Promise<Uint8Array> {
    let response: Response;
    let bytes: Uint8Array;
    try {
      response = await this.#fetch(this.#server + path, {
        ...init,
        cache: "no-store",
        redirect: "error",
        credentials: "omit",
        signal: AbortSignal.timeout(path.startsWith("/v1/chunk/") ? CHUNK_MS : ANSWER_MS),
      });
      bytes = new Uint8Array(await response.arrayBuffer());
    } catch {
      throw offline();
    }
    this.#nonce = response.headers.get(NONCE) ?? this.#nonce;
    if (response.ok) return bytes;
    throw refusal(bytes);
  }
}

/** What the server said; what is no answer of ours (a proxy's page, say) is as good as none. */
function refusal(bytes: Uint8Array): Refused {
  try {
    const { code, message } = decodeAs(failure, bytes);
    return isCode(code) ? new Refused(code, message) : offline();
  } catch {
    return offline();
  }
}

export const enrolBody = (pair: Uint8Array): Uint8Array => encode(new Map([["entry", decodeAs(anything, pair)]]));
