/**
 * The service worker: registered once, and asked for a newer release, which waits until somebody says so.
 *
 * The worker in charge judges a release (src/sw.ts). A browser fetches the worker's own script by itself, without asking
 * anybody: so a script that no checked release names is never called in from here, and a change of workers that nobody asked
 * for is told.
 */
import { scriptUrl } from "./trusted";

/** The public key of whoever builds the app, as hexadecimal digits; the build puts it here. */
declare const __RELEASE_KEY__: string;

export interface Release {
  /** When the release in use was built; undefined before the worker is in charge. */
  readonly number: number | undefined;
  /** A newer release is on this phone, checked whole, and waits. */
  readonly waiting: boolean;
  /** Why what the service offered was not taken. */
  readonly refused: string | undefined;
  /** Another worker took over, and nobody here had asked for it. */
  readonly replaced: boolean;
  /** Opens the newer one. What is typed has to be saved before. */
  readonly takeOver: () => void;
}

export const NO_RELEASE: Release = { number: undefined, waiting: false, refused: undefined, replaced: false, takeOver: () => undefined };

/** Eight letters of the key, for two people to compare. */
export const releaseSigner = (): string => __RELEASE_KEY__.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");

type Answer = Pick<Release, "number" | "waiting" | "refused">;

const LOOK_EVERY_MS = 30 * 60_000;
const PATIENCE_MS = 60_000;

function ask<T>(worker: ServiceWorker, question: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    const timer = setTimeout(() => reject(new Error("the worker does not answer")), PATIENCE_MS);
    port1.onmessage = (event: MessageEvent<T>) => {
      clearTimeout(timer);
      port1.close();
      resolve(event.data);
    };
    worker.postMessage(question, [port2]);
  });
}

/** Registers it, and tells whenever something is new. Without service workers the app works, but not from cold offline. */
export async function install(tell: (release: Release) => void): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  let asked = false;
  let known = NO_RELEASE;
  const say = (more: Partial<Release>): void => tell((known = { ...known, ...more }));
  let inCharge = serviceWorker.controller;
  serviceWorker.addEventListener("controllerchange", () => {
    if (inCharge !== null && !asked) say({ replaced: true });
    inCharge = serviceWorker.controller;
    look();
  });
  const registration = await serviceWorker.register(scriptUrl("service-worker"), { updateViaCache: "none" });

  const takeOver = async (): Promise<void> => {
    const { controller } = serviceWorker;
    if (controller === null || !(await ask<boolean>(controller, "take-over"))) return;
    asked = true;
    // Its script is the one that the release names: the worker in charge has compared it.
    if (registration.waiting !== null) {
      const changed = new Promise((resolve) => serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
      registration.waiting.postMessage("next-worker");
      await changed;
    }
    location.reload();
  };
  const look = (): void => {
    const { controller } = serviceWorker;
    if (controller === null || known.replaced) return;
    ask<Answer>(controller, "look").then(
      (answer) => say({ ...answer, takeOver: () => void takeOver().catch(() => undefined) }),
      () => undefined, // asked again later
    );
  };
  look();
  setInterval(look, LOOK_EVERY_MS);
  addEventListener("online", look);
}

/** Whether it runs as an app of its own, and not in a tab. iOS throws away a tab's data after a week. */
export const isInstalled = (): boolean =>
  matchMedia("(display-mode: standalone)").matches || (navigator as { readonly standalone?: boolean }).standalone === true;

export const isApple = (): boolean => /iPhone|iPad/.test(navigator.userAgent) || (navigator.userAgent.includes("Mac") && navigator.maxTouchPoints > 1);
