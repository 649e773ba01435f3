/** How the device comes to be in this app: out of an unlocked store, or made with an invitation, at the server that the app came from. */
import { enrol, readCode } from "@fieldkeep/device/enrol";
import { readIdentity } from "@fieldkeep/device/identity";
import { Session } from "@fieldkeep/device/session";
import { OF } from "@fieldkeep/device/stored";
import { Transport } from "@fieldkeep/device/transport";
import { WIPED, wipedBecause } from "@fieldkeep/device/wiping";
import { readSchemas } from "@fieldkeep/core/schemas";
import type { Store } from "../store/store";
import type { Boot } from "./boot";
import { forgottenWith } from "./forgotten";
import { liveDevice } from "./live/device";
import { inWords } from "./live/trouble";

const records = import.meta.glob<unknown>("../../../../shared_schema/records/*.json", { eager: true, import: "default" });
const codes = import.meta.glob<unknown>("../../../../shared_schema/codes/*.json", { eager: true, import: "default" });
const schemas = readSchemas(Object.values(records), Object.values(codes));

const LABEL = "phone";
const now = (): number => Date.now();
const transport = (): Transport => new Transport(location.origin, (url, init) => fetch(url, init));

export const boot: Boot = {
  forgotten: forgottenWith(schemas, now),
  open: (store: Store) =>
    inWords(async () => {
      const identity = await readIdentity(store);
      if (identity === null || identity.stage !== "certified") return undefined;
      return liveDevice(await Session.open(store, identity, schemas, now), transport(), store);
    }),
  wiped: async (store: Store) => {
    const said = await store.get(OF.facts, WIPED);
    return said && wipedBecause(said);
  },
  read: (invitation: string) =>
    inWords(async () => {
      const { side, subject, enrol_until: untilMs } = readCode(invitation).invitation.payload;
      return { name: subject.name, organisation: subject.org, roles: subject.roles, side, untilMs };
    }),
  join: (store: Store, invitation: string) =>
    inWords(async () => {
      const way = transport();
      const session = await enrol(store, readCode(invitation), location.origin, LABEL, way, schemas, now);
      return liveDevice(session, way, store);
    }),
};
