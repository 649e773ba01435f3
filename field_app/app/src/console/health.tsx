/** Sync health: every device of the side, the one to look at first on top; then what waits for somebody. */
import type { JSX } from "preact";
import { Body, Button, LinkButton, Quiet, Section } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import { Alert, type Colour, Tag } from "../components/patterns";
import { useSession } from "../screens/session";
import { howLong, when } from "../screens/times";
import { Mark } from "./mark";
import type { Overview, Said, Standing } from "./oversight";
import { Scroll } from "./scroll";
import { useOverview } from "./use";
import { byWorry, clockWords, type Worry } from "./worry";

const SIDES = { perpetrator: "The side that works with people who use abuse", victim: "The side that supports people who are harmed" } as const;
const STANDING: Readonly<Record<Standing, readonly [string, Colour]>> = {
  "in use": ["In use", "green"],
  suspended: ["Kept out", "red"],
  revoked: ["Removed", "grey"],
  wiped: ["Removed and wiped", "grey"],
};

export function HealthScreen(): JSX.Element {
  const { release } = useSession();
  const loaded = useOverview();
  return (
    <Page title="Sync health" caption={loaded.is === "there" ? SIDES[loaded.value.side] : undefined}>
      <WhenThere loaded={loaded}>
        {(overview) => (
          <>
            <Mark overview={overview} />
            {release.waiting && (
              <Alert kind="information" heading="A newer version is on this computer">
                <p>You unlock again afterwards.</p>
                <Button look="secondary" onPress={release.takeOver}>
                  Use it now
                </Button>
              </Alert>
            )}
            {overview.devices.length > 0 && <There overview={overview} />}
          </>
        )}
      </WhenThere>
    </Page>
  );
}

function There({ overview }: { readonly overview: Overview }): JSX.Element {
  const { now } = useSession();
  return (
    <>
      <Section>Devices</Section>
      <Quiet>The one to look at first is on top.</Quiet>
      <Scroll label="Devices">
        <table class="govuk-table app-table">
          <caption class="govuk-visually-hidden">Devices of this side, by what needs looking at</caption>
          <thead class="govuk-table__head">
            <tr class="govuk-table__row">
              {["Person", "Standing", "Look at", "Last sync", "Not sent", "Held", "Conflicts", "Clock", "Version", "Last wrote", "To fetch", "Refused", "Tree seen"].map((words) => (
                <th key={words} scope="col" class="govuk-table__header">
                  {words}
                </th>
              ))}
            </tr>
          </thead>
          <tbody class="govuk-table__body">
            {byWorry(overview.devices, now()).map((worry) => (
              <DeviceLine key={worry.row.id} worry={worry} nowMs={now()} />
            ))}
          </tbody>
        </table>
      </Scroll>
      <Quiet>
        “Not sent”, “Conflicts”, “Clock” and “Version” are what each device said of itself at its last sync{overview.saidMs === undefined ? "" : `, as the service told this computer ${when(overview.saidMs, now())}`}. They help you to see
        who needs a call; nothing about them is signed. Everything else follows from the verified log. “To fetch” is what the device’s person may read and the device has not fetched.
      </Quiet>
      <HeldList overview={overview} />
      <Section>Files that wait for new keys</Section>
      {overview.rotations.length === 0 ? (
        <Body>None.</Body>
      ) : (
        <>
          <Body>Nothing can be written in these until a member has synced: a device that had their keys was removed.</Body>
          <ul class="govuk-list govuk-list--bullet">
            {overview.rotations.map((file) => (
              <li key={file}>{file}</li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function DeviceLine({ worry: { row, level, why }, nowMs }: { readonly worry: Worry; readonly nowMs: number }): JSX.Element {
  const [words, colour] = STANDING[row.standing];
  const waiting = row.waitingSinceMs === undefined ? "" : `, the oldest for ${howLong(nowMs - row.waitingSinceMs)}`;
  const last = Math.max(row.heardMs ?? 0, row.said?.heardMs ?? 0);
  const cells = [
    ...saidCells(row.said),
    row.wroteMs === undefined ? "–" : when(row.wroteMs, nowMs),
    `${row.waiting}${waiting}`,
    String(row.refused),
    row.treeSeen === undefined ? "–" : row.treeSeen.toLocaleString("en-GB"),
  ];
  return (
    <tr class="govuk-table__row">
      <th scope="row" class="govuk-table__header">
        {row.person}
        <span class="app-under">{row.device}</span>
      </th>
      <td class="govuk-table__cell">
        <Tag colour={colour}>{words}</Tag>
      </td>
      <td class="govuk-table__cell">{why.length === 0 ? "Nothing" : <strong class={level >= 3 ? "app-worry" : ""}>{capital(why.join("; "))}</strong>}</td>
      <td class="govuk-table__cell">{last === 0 ? "Never" : when(last, nowMs)}</td>
      <td class="govuk-table__cell">{row.said === undefined ? "–" : row.said.unsent}</td>
      <td class="govuk-table__cell">{row.held}</td>
      {cells.map((cell, i) => (
        <td key={i} class="govuk-table__cell">
          {cell}
        </td>
      ))}
    </tr>
  );
}

/** Conflicts, clock and version. A device that says nothing of the age of a conflict says 0. */
function saidCells(said: Said | undefined): readonly string[] {
  if (said === undefined) return ["–", "–", "–"];
  const { conflicts, oldestConflictDays, clockMs, app } = said;
  const days = oldestConflictDays === 0 ? "" : `, the oldest for ${oldestConflictDays === 1 ? "1 day" : `${oldestConflictDays} days`}`;
  return [`${conflicts}${conflicts === 0 ? "" : days}`, clockMs === undefined ? "Not said" : capital(clockWords(clockMs) ?? "right"), app];
}

const capital = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);

function HeldList({ overview: { held } }: { readonly overview: Overview }): JSX.Element {
  const { router, now } = useSession();
  return (
    <>
      <Section>Held for review</Section>
      {held.length === 0 ? (
        <Body>Nothing is held.</Body>
      ) : (
        <ul class="govuk-list govuk-list--bullet">
          {held.map(({ person, device, file, sinceMs, row }) => (
            <li key={row}>
              {file}: by {person} ({device}), for {howLong(now() - sinceMs)}.{" "}
              <LinkButton onPress={() => router.go({ at: "console", view: "audit", row })} about={`row ${row}`}>
                Show it
              </LinkButton>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
