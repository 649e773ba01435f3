/**
 * Argon2id, away from the page: one derivation, one answer, and the worker is ended with all the memory that it used.
 */
import { argon2id } from "hash-wasm";

export interface Work {
  readonly passphrase: Uint8Array;
  readonly salt: Uint8Array;
  readonly memoryKib: number;
  readonly passes: number;
}

addEventListener("message", (event: MessageEvent<Work>) => {
  const { passphrase, salt, memoryKib, passes } = event.data;
  const options = { password: passphrase, salt, memorySize: memoryKib, iterations: passes, parallelism: 1, hashLength: 32 };
  argon2id({ ...options, outputType: "binary" }).then(
    (derived) => postMessage(derived),
    () => postMessage(undefined),
  );
});
