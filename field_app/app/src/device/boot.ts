/** How a device comes to be: opened out of an unlocked store, or made with an invitation. */
import type { Store } from "../store/store";
import type { Device } from "./facade";

export interface Boot {
  /** The device in this store, or undefined where this phone has not joined a service. */
  open(store: Store): Promise<Device | undefined>;
  /** Joins with an invitation. Raises Trouble. The device's keys are on disk before anything is sent. */
  join(store: Store, invitation: string): Promise<Device>;
}
