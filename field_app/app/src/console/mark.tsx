/** Whether what is shown is true: computed on this computer, from every signature and every event. Red names the row. */
import type { JSX } from "preact";
import { Body, Button, LinkButton } from "../components/basics";
import { TroubleBox } from "../components/page";
import { Alert } from "../components/patterns";
import { useAct, useSession } from "../screens/session";
import { when } from "../screens/times";
import type { Finding, Overview } from "./oversight";
import { useOversight } from "./use";

const MOST = 20;
const some = (count: number, one: string, more: string): string => `${count.toLocaleString("en-GB")} ${count === 1 ? one : more}`;

export function Mark({ overview }: { readonly overview: Overview }): JSX.Element {
  const oversight = useOversight();
  const { busy, trouble, act } = useAct();
  const checking = busy || overview.checking !== undefined;
  return (
    <>
      <Said overview={overview} />
      <div class="govuk-button-group">
        <Button onPress={() => act(() => oversight.check(false))} disabled={checking}>
          Check what is new
        </Button>
        <Button look="secondary" onPress={() => act(() => oversight.check(true))} disabled={checking}>
          Check everything again
        </Button>
      </div>
      <div role="status">{checking && <Body>{progressWords(overview.checking)}</Body>}</div>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
    </>
  );
}

function progressWords(checking: Overview["checking"]): string {
  if (checking === undefined || checking.of === 0) return "Asking what there is.";
  return `Fetching and verifying: ${Math.floor((100 * checking.done) / checking.of)}%.`;
}

function Said({ overview }: { readonly overview: Overview }): JSX.Element {
  const { now } = useSession();
  const { state, size, witnesses, checkedMs, entries, logs, findings, notices, verifiedMs } = overview;
  if (state === "never")
    return (
      <Alert kind="information" heading="Nothing is checked yet">
        <p>Everything of this side is fetched and verified on this computer. The first time takes longest.</p>
      </Alert>
    );
  const checked = checkedMs === undefined ? "" : `Checked ${when(checkedMs, now())}`;
  if (state === "wrong")
    return (
      <Alert kind="error" heading={`Not verified: ${some(findings.length, "thing is wrong", "things are wrong")}`} now>
        <p>{checked}. What the service showed cannot all be true. Save the export as evidence, then tell whoever runs the service.</p>
        <Findings findings={findings} />
        <p>{verifiedMs === undefined ? "Nothing was verified before." : `The last that was verified: checkpoint ${size.toLocaleString("en-GB")}, ${when(verifiedMs, now())}.`}</p>
      </Alert>
    );
  return (
    <>
      <Alert kind="success" heading={`Verified to checkpoint ${size.toLocaleString("en-GB")}, witnessed by ${some(witnesses, "device", "devices")}`}>
        <p>
          {checked}: {some(entries, "entry", "entries")} in {some(logs, "log", "logs")}, every signature, and every event of the audit log against the signed tree. Witnesses are devices that signed what they had seen of the same tree.
        </p>
      </Alert>
      {notices.length > 0 && (
        <Alert kind="information" heading={`To know: ${some(notices.length, "thing", "things")}`}>
          <Findings findings={notices} />
        </Alert>
      )}
    </>
  );
}

function Findings({ findings }: { readonly findings: readonly Finding[] }): JSX.Element {
  const { router } = useSession();
  return (
    <>
      <ul class="govuk-list govuk-list--bullet">
        {findings.slice(0, MOST).map(({ text, row }, i) => (
          <li key={`${i} ${text}`}>
            {text}{" "}
            {row !== undefined && (
              <LinkButton onPress={() => router.go({ at: "console", view: "audit", row })} about={`row ${row}`}>
                Show it
              </LinkButton>
            )}
          </li>
        ))}
      </ul>
      {findings.length > MOST && <p>And {some(findings.length - MOST, "more", "more")}.</p>}
    </>
  );
}
