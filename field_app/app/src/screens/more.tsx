/** Everything that is not used every day. */
import type { JSX } from "preact";
import { Page, WhenThere } from "../components/page";
import { Tag, TaskList } from "../components/patterns";
import type { Status } from "../device/facade";
import type { Place } from "./places";
import { useAsked, useSession } from "./session";

interface Entry {
  readonly title: string;
  readonly hint?: string;
  readonly place: Place;
  readonly waits?: (status: Status) => number;
  /** For nobody but those with one of these roles. */
  readonly roles?: readonly string[];
}

const ENTRIES: readonly Entry[] = [
  { title: "What is due", hint: "Tasks, reviews, orders", place: { at: "due" } },
  { title: "What is being sent", place: { at: "sending" }, waits: (status) => status.needsYou },
  { title: "Decisions that wait", place: { at: "conflicts" }, waits: (status) => status.conflicts },
  { title: "Referrals", hint: "At your side’s desk", place: { at: "referrals" }, roles: ["coordinator", "referral_desk"] },
  { title: "Handovers", hint: "Cases that change hands", place: { at: "handovers" } },
  { title: "Fund", hint: "What you may still spend", place: { at: "fund" } },
  { title: "A phone is lost", place: { at: "lost" } },
  { title: "Help a colleague in", hint: "They have forgotten their passphrase", place: { at: "help" } },
  { title: "Recovery", hint: "For the day when nobody can open a file", place: { at: "recovery" } },
  { title: "Settings", hint: "Passphrase, locking, room on this phone", place: { at: "settings" } },
];

export function More(): JSX.Element {
  const { router, lock, device } = useSession();
  const mine = ENTRIES.filter(({ roles }) => roles === undefined || roles.some((role) => device.me.roles.includes(role)));
  const status = useAsked((device) => device.status(), []);
  return (
    <Page title="More">
      <WhenThere loaded={status}>
        {(there) => (
          <TaskList
            tasks={[
              ...mine.map(({ title, hint, place, waits }) => {
                const count = waits?.(there) ?? 0;
                return {
                  id: `more-${place.at}`,
                  title,
                  ...(hint === undefined ? {} : { hint }),
                  status: count === 0 ? "" : <Tag colour="red">{count === 1 ? "1 waits" : `${count} wait`}</Tag>,
                  onOpen: () => router.go(place),
                };
              }),
              { id: "more-lock", title: "Lock", status: "", onOpen: lock },
            ]}
          />
        )}
      </WhenThere>
    </Page>
  );
}
