/** How a device comes to be: opened out of an unlocked store, or made with an invitation. */
import type { Side } from "../forms/schema";
import type { Store } from "../store/store";
import type { Device } from "./facade";
import type { Forgotten } from "./forgotten";

/** What an invitation says by itself, before anything is sent. */
export interface Invited {
  readonly name: string;
  readonly organisation: string;
  readonly roles: readonly string[];
  readonly side: Side | "oversight";
  /** Until when it may be used. */
  readonly untilMs: number;
}

export interface Boot {
  /** The device in this store, or undefined where this phone has not joined a service. */
  open(store: Store): Promise<Device | undefined>;
  /** Why the device that was in this store has wiped itself: a reason of docs/spec.md §9.5; undefined where none has. */
  wiped?(store: Store): Promise<string | undefined>;
  /** What is to be done about a forgotten passphrase; without it nothing can. */
  readonly forgotten?: Forgotten;
  /** Whose invitation it is. Raises Trouble where it is none, or was not copied whole. Nothing is sent. */
  read(invitation: string): Promise<Invited>;
  /** Joins with an invitation. Raises Trouble. The device's keys are on disk before anything is sent. */
  join(store: Store, invitation: string): Promise<Device>;
}
