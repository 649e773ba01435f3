/**
 * The key that signs releases: Ed25519, from the seed in a file of hexadecimal digits.
 *
 * `FIELDKEEP_RELEASE_KEY` names that file. Without it, a key is made once beside the app (`.release-key`, readable by its
 * owner alone, never committed), so that builds of one machine are updates of each other.
 */
import { type KeyObject, createPrivateKey, createPublicKey, randomBytes, sign } from "node:crypto";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";

const OWN = fileURLToPath(new URL("../../.release-key", import.meta.url));
/** What stands before the seed where a key is written as PKCS #8. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

export interface ReleaseKey {
  /** The public key, as hexadecimal digits: what the app and its worker are built with. */
  readonly public: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/** Of two builds that begin at once one makes the file, and the other reads it. */
function makeOnce(file: string): void {
  let made: number;
  try {
    made = openSync(file, "wx", 0o600);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return;
    throw error;
  }
  writeSync(made, `${randomBytes(32).toString("hex")}\n`);
  closeSync(made);
}

export function keyOf(seed: Uint8Array): ReleaseKey {
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
  const known = createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
  return { public: known.toString("hex"), sign: (bytes) => sign(null, bytes, key) };
}

export function releaseKey(): ReleaseKey {
  const named = process.env["FIELDKEEP_RELEASE_KEY"];
  if (named === undefined) makeOnce(OWN);
  const text = readFileSync(named ?? OWN, "utf8").trim();
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new Error("the release key is not 64 hexadecimal digits");
  return keyOf(Buffer.from(text, "hex"));
}
