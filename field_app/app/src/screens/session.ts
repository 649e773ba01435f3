/** What every screen has at hand while the app is unlocked. */
import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import { type Device, Trouble } from "../device/facade";
import type { Release } from "../platform/install";
import type { Drafts } from "../store/drafts";
import { StoreRefusal } from "../store/refusal";
import type { Store } from "../store/store";
import type { Router } from "./places";
import type { Settings } from "./preferences";

export interface Session {
  readonly store: Store;
  readonly drafts: Drafts;
  readonly device: Device;
  readonly router: Router;
  readonly settings: Settings;
  readonly online: boolean;
  readonly release: Release;
  readonly now: () => number;
  readonly changeSettings: (settings: Settings) => Promise<void>;
  readonly hideNow: () => void;
  readonly lock: () => void;
}

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("a screen stands outside of a session");
  return session;
}

/** Any error, in words. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  if (error instanceof StoreRefusal) {
    const [what, doThis] = STORE_WORDS[error.why] ?? ["That was not saved.", "Try again."];
    return new Trouble(error.why, what, `The phone says: ${error.message}.`, doThis, true);
  }
  return new Trouble("unexpected", "Something went wrong in the app.", "It is a mistake in the app, not yours.", "Try again. What you typed is kept.", true);
}

const STORE_WORDS: Readonly<Partial<Record<StoreRefusal["why"], readonly [string, string]>>> = {
  full: ["There is no room left on this phone.", "Free some room, then try again."],
  locked: ["The app is locked.", "Unlock it, then try again."],
  elsewhere: ["The app is open in another window.", "Use that window, or take over here."],
  damaged: ["Something on this phone cannot be read.", "Ring your coordinator before you go on."],
};

export type Loaded<T> = { readonly is: "loading" } | { readonly is: "there"; readonly value: T } | { readonly is: "failed"; readonly trouble: Trouble };

/** Asks, and asks again whenever the device says that something is new. What was there stays until the new answer is. */
export function useAsked<T>(ask: (device: Device) => Promise<T>, of: readonly unknown[]): Loaded<T> {
  const { device } = useSession();
  const [loaded, setLoaded] = useState<Loaded<T>>({ is: "loading" });
  const again = useCallback(ask, of);
  useEffect(() => {
    let current = true;
    const load = (): void => {
      again(device).then(
        (value) => current && setLoaded({ is: "there", value }),
        (error: unknown) => current && setLoaded({ is: "failed", trouble: troubleOf(error) }),
      );
    };
    load();
    const stop = device.subscribe(load);
    return () => {
      current = false;
      stop();
    };
  }, [device, again]);
  return loaded;
}

/** Something that takes a moment: once at a time, and what went wrong is said. */
export function useAct(): { readonly busy: boolean; readonly trouble: Trouble | undefined; readonly act: (work: () => Promise<void>) => void } {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  const act = (work: () => Promise<void>): void => {
    if (busy) return;
    setBusy(true);
    setTrouble(undefined);
    work()
      .catch((error: unknown) => setTrouble(troubleOf(error)))
      .finally(() => setBusy(false));
  };
  return { busy, trouble, act };
}
