/** Sync health: every device of the side, the one to look at first on top; then what waits for somebody. */
import type { JSX } from "preact";
import { Body, Button, LinkButton, Quiet, Section } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import { Alert, type Colour, Tag } from "../components/patterns";
import { useSession } from "../screens/session";
import { howLong, when } from "../screens/times";
import { Mark } from "./mark";
import type { Overview, Standing } from "./oversight";
import { Scroll } from "./scroll";
import { useOverview } from "./use";
import { byWorry, type Worry } from "./worry";

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
              {["Person", "Device", "Look at", "Last sent or fetched", "Last wrote", "To fetch", "Held", "Refused", "Tree seen", "Standing"].map((words) => (
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
        What a device has not sent, its open conflicts, its clock and its version are in no audit event: they are not known here. “To fetch” is what the device's person may read and the device has not
        fetched.
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
  const times = [row.heardMs, row.wroteMs].map((ms) => (ms === undefined ? "–" : when(ms, nowMs)));
  const waiting = row.waitingSinceMs === undefined ? "" : `, the oldest for ${howLong(nowMs - row.waitingSinceMs)}`;
  return (
    <tr class="govuk-table__row">
      <th scope="row" class="govuk-table__header">
        {row.person}
      </th>
      <td class="govuk-table__cell">{row.device}</td>
      <td class="govuk-table__cell">{why.length === 0 ? "Nothing" : <strong class={level >= 3 ? "app-worry" : ""}>{capital(why.join("; "))}</strong>}</td>
      {times.map((time, i) => (
        <td key={i} class="govuk-table__cell">
          {time}
        </td>
      ))}
      <td class="govuk-table__cell">
        {row.waiting}
        {waiting}
      </td>
      <td class="govuk-table__cell">{row.held}</td>
      <td class="govuk-table__cell">{row.refused}</td>
      <td class="govuk-table__cell">{row.treeSeen === undefined ? "–" : row.treeSeen.toLocaleString("en-GB")}</td>
      <td class="govuk-table__cell">
        <Tag colour={colour}>{words}</Tag>
      </td>
    </tr>
  );
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
