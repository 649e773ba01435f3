/** The device of this app. Joining a service is not in this version yet: until it is, no phone has a device. */
import type { Boot } from "./boot";
import { Trouble } from "./facade";

export const boot: Boot = {
  open: () => Promise.resolve(undefined),
  join: () =>
    Promise.reject(
      new Trouble("not-yet", "This phone cannot join yet.", "This version of the app has no way to.", "Wait for the next version.", false),
    ),
};
