/** The service worker: registered once, and asked for a newer release. A newer one waits until somebody says so. */
import { scriptUrl } from "./trusted";

export interface Release {
  /** A newer release is on this phone and waits. */
  readonly waiting: boolean;
  /** Opens the newer one. What is typed has to be saved before. */
  readonly takeOver: () => void;
}

export const NO_RELEASE: Release = { waiting: false, takeOver: () => undefined };

/** Registers it, and tells whenever something is new. Without service workers the app works, but not from cold offline. */
export async function install(tell: (release: Release) => void): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  const registration = await serviceWorker.register(scriptUrl("service-worker"), { updateViaCache: "none" });
  const look = (): void => {
    const { waiting } = registration;
    if (waiting === null || serviceWorker.controller === null) return;
    const takeOver = (): void => {
      serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
      waiting.postMessage("take-over");
    };
    tell({ waiting: true, takeOver });
  };
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", look));
  look();
}

/** Whether it runs as an app of its own, and not in a tab. iOS throws away a tab's data after a week. */
export const isInstalled = (): boolean =>
  matchMedia("(display-mode: standalone)").matches || (navigator as { readonly standalone?: boolean }).standalone === true;

export const isApple = (): boolean => /iPhone|iPad/.test(navigator.userAgent) || (navigator.userAgent.includes("Mac") && navigator.maxTouchPoints > 1);
