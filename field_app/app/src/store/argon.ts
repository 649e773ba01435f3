/**
 * A key out of a passphrase (docs/spec.md §13.1): Argon2id, 64 MiB, 3 passes, 1 lane, 32 bytes.
 */
import { scriptUrl } from "../platform/trusted";
import type { Work } from "./argon.worker";

export interface Cost {
  readonly memoryKib: number;
  readonly passes: number;
}

export const COST: Cost = { memoryKib: 65_536, passes: 3 };
const LEAST_KIB = 47_104;
const MOST_KIB = 1_048_576;

/** What was written by an app of ours is never outside of these bounds; what somebody put there may be. */
export const acceptable = (cost: Cost): boolean =>
  Number.isInteger(cost.memoryKib) &&
  Number.isInteger(cost.passes) &&
  cost.memoryKib >= LEAST_KIB &&
  cost.memoryKib <= MOST_KIB &&
  cost.passes >= 1 &&
  cost.passes <= 100;

/** The derived 32 bytes. Letters that look the same are the same: the passphrase is taken in Unicode's form NFKC. */
export async function derive(passphrase: string, salt: Uint8Array, cost: Cost): Promise<Uint8Array<ArrayBuffer>> {
  const typed = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const worker = new Worker(scriptUrl("argon"), { type: "module" });
  try {
    return await new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      worker.addEventListener("message", ({ data }: MessageEvent<Uint8Array<ArrayBuffer> | undefined>) =>
        data === undefined ? reject(new Error("this phone has no room to work out the key")) : resolve(data),
      );
      worker.addEventListener("error", () => reject(new Error("the key could not be worked out")));
      const work: Work = { passphrase: typed, salt, ...cost };
      worker.postMessage(work, [typed.buffer]);
    });
  } finally {
    worker.terminate();
  }
}
