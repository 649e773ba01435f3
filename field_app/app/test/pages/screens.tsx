/** The whole app, with its real store, over a device in memory. */
import { render } from "preact";
import type { Boot, Invited } from "../../src/device/boot";
import { Trouble } from "../../src/device/facade";
import type { Forgotten } from "../../src/device/forgotten";
import { NO_RELEASE, type Release } from "../../src/platform/install";
import { App } from "../../src/screens/app";
import { Store } from "../../src/store/store";
import "../../src/styles/app.scss";
import { MemoryDevice } from "../memory/device";

const wanted = new URLSearchParams(location.search);
const device = new MemoryDevice(wanted.has("practice"), wanted.has("victim") ? "victim" : "perpetrator", wanted.has("desk"));
device.alertsOn = wanted.has("alerts");
device.permitted = wanted.has("permit");
const joined = !wanted.has("new");
let skewMs = Date.UTC(2026, 10, 23, 14, 30) - Date.now();
const now = (): number => Date.now() + skewMs;

const invited: Invited = { name: "Sam Pike", organisation: "Northside", roles: ["navigator"], side: "perpetrator", untilMs: Date.UTC(2026, 10, 25, 9) };

const forgotten: Forgotten = {
  canHelp: () => !wanted.has("nobody"),
  asking: () => asking,
  ask: async () => (asking = { line: `fieldkeep-help1:${"A".repeat(2_000)}`, untilMs: now() + 3_600_000 }),
  readBack: () => "123456",
  finish: async () => {
    throw new Trouble("malformed", "That is not what was wanted.", "It is no answer.", "Check that it was copied whole and try again.", true);
  },
};
let asking: ReturnType<Forgotten["asking"]>;

const boot: Boot = {
  forgotten,
  read: async (invitation) => {
    if (invitation !== "an invitation") throw new Trouble("malformed", "That is not what was wanted.", "It is no invitation.", "Try again.", true);
    return invited;
  },
  open: async () => (joined ? device : undefined),
  join: async () => device,
};

let tellRelease: (release: Release) => void = () => undefined;
const install = async (tell: (release: Release) => void): Promise<void> => {
  tellRelease = tell;
};

const reach = {
  device,
  release: (some: Partial<Release>): void => tellRelease({ ...NO_RELEASE, ...some }),
  skew: (ms: number): void => {
    skewMs += ms;
  },
};

declare global {
  var screens: typeof reach;
}
globalThis.screens = reach;

const store = await Store.open("notes", now);
const root = document.createElement("div");
root.id = "app";
document.body.append(root);
render(<App store={store} boot={boot} now={now} install={install} />, root);
