/**
 * The app: which of its doors is open. Hidden, another window, no passphrase yet, locked, not joined, or unlocked.
 *
 * Nothing of what is unlocked outlives locking: the whole tree below goes, and with it what its components knew.
 */
import type { JSX } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Console } from "../console/console";
import type { Oversight } from "../console/oversight";
import type { Boot } from "../device/boot";
import type { Device } from "../device/facade";
import { NO_RELEASE, type Release } from "../platform/install";
import { watch } from "../store/autolock";
import { Drafts } from "../store/drafts";
import type { State, Store } from "../store/store";
import { AtDesk } from "./at_desk";
import { Elsewhere, Lock, Neutral, Opening, Replaced, Setup } from "./doors";
import { Join } from "./join";
import { Router } from "./places";
import { type Settings, loadSettings, saveSettings } from "./preferences";
import { SessionContext } from "./session";
import { Shell } from "./shell";

interface Props {
  readonly store: Store;
  readonly boot: Boot;
  readonly now: () => number;
  /** Asks for the service worker, and tells of newer releases; without it there is none. */
  readonly install?: (tell: (release: Release) => void) => Promise<void>;
}

function useStoreState(store: Store): State {
  const [state, setState] = useState(store.state);
  useEffect(() => {
    setState(store.state);
    return store.onChange(() => setState(store.state));
  }, [store]);
  return state;
}

/** The page is covered as soon as it is hidden, so that the list of open apps shows nothing. */
function useCover(): void {
  useEffect(() => {
    const cover = (): void => {
      document.documentElement.classList.toggle("app-covered", document.visibilityState === "hidden");
    };
    document.addEventListener("visibilitychange", cover);
    return () => document.removeEventListener("visibilitychange", cover);
  }, []);
}

function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = (): void => setOnline(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return online;
}

/** Shift three times within a second and a half hides everything, as on other services. */
function useShiftThrice(hide: () => void): void {
  useEffect(() => {
    let presses: number[] = [];
    const press = (event: KeyboardEvent): void => {
      presses = event.key === "Shift" && !event.repeat ? [...presses, event.timeStamp].slice(-3) : [];
      const [first, , third] = presses;
      if (first !== undefined && third !== undefined && third - first < 1_500) hide();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [hide]);
}

export function App({ store, boot, now, install }: Props): JSX.Element | null {
  const state = useStoreState(store);
  const [hidden, setHidden] = useState(false);
  const [release, setRelease] = useState<Release>(NO_RELEASE);
  const router = useMemo(() => new Router(), []);
  useCover();
  useEffect(() => {
    install?.(setRelease).catch(() => undefined); // the app works without it, but not from cold offline
  }, [install]);
  // Whatever took over may read what is open: nothing is, any more.
  useEffect(() => void (release.replaced && store.lock()), [release.replaced, store]);
  const hideNow = useCallback(() => {
    router.forget();
    setHidden(true);
    void store.lock();
  }, [router, store]);
  if (hidden) return <Neutral onOpen={() => setHidden(false)} />;
  if (release.replaced) return <Replaced />;
  if (state === "elsewhere") return <Elsewhere store={store} />;
  if (state === "empty") return <Setup store={store} />;
  if (state === "locked") return <Locked store={store} boot={boot} now={now} />;
  return <Unlocked store={store} boot={boot} now={now} router={router} release={release} hideNow={hideNow} />;
}

/** Unlocked by the passphrase, or by a colleague where it is forgotten. */
function Locked({ store, boot: { forgotten }, now }: Props): JSX.Element {
  const [asks, setAsks] = useState(false);
  if (!asks || forgotten === undefined) return <Lock store={store} now={now} onForgotten={forgotten && (() => setAsks(true))} />;
  return <AtDesk show={({ ForgottenScreen }) => <ForgottenScreen store={store} forgotten={forgotten} now={now} onBack={() => setAsks(false)} />} />;
}

interface UnlockedProps extends Props {
  readonly router: Router;
  readonly release: Release;
  readonly hideNow: () => void;
}

type Found = { readonly device: Device | undefined; readonly settings: Settings };

function Unlocked({ store, boot, now, router, release, hideNow }: UnlockedProps): JSX.Element | null {
  const [found, setFound] = useState<Found>();
  const [failed, setFailed] = useState(false);
  const drafts = useMemo(() => new Drafts(store), [store]);
  const online = useOnline();
  const locking = useRef(false);
  useShiftThrice(hideNow);

  const lock = useCallback(() => {
    if (locking.current) return;
    locking.current = true;
    router.forget();
    void store.lock();
  }, [router, store]);

  useEffect(() => {
    Promise.all([boot.open(store), loadSettings(store)]).then(
      ([device, settings]) => setFound({ device, settings }),
      () => setFailed(true),
    );
    return () => drafts.stop();
  }, [store, boot, drafts]);

  const settings = found?.settings;
  useEffect(() => settings && watch(settings, now, lock), [settings, now, lock]);

  if (failed) return <Join store={store} boot={boot} now={now} broken onJoined={() => undefined} />;
  if (found === undefined) return <Opening />;
  const { device } = found;
  if (device === undefined) {
    return <Join store={store} boot={boot} now={now} onJoined={(joined) => setFound({ ...found, device: joined })} />;
  }
  const changeSettings = async (next: Settings): Promise<void> => {
    await saveSettings(store, next);
    setFound({ ...found, settings: next });
  };
  const session = { store, drafts, device, router, settings: found.settings, online, release, now, changeSettings, hideNow, lock };
  return (
    <SessionContext.Provider value={session}>
      {device.oversight === undefined ? <Shell /> : <ForSupervisors oversight={device.oversight} />}
    </SessionContext.Provider>
  );
}

/** The console is fetched from this release when a supervisor opens the app: nobody else needs it. */
function ForSupervisors({ oversight }: { readonly oversight: Oversight }): JSX.Element {
  const [there, setThere] = useState<{ readonly Console: typeof Console }>();
  useEffect(() => void import("../console/console").then(({ Console: found }) => setThere({ Console: found })), []);
  return there === undefined ? <Opening /> : <there.Console oversight={oversight} />;
}
