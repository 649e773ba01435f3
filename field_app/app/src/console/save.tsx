/** Taking it out: the rows as a table, and the signed logs as a file that anybody can verify again. Neither has anything that was written. */
import type { JSX } from "preact";
import { Body, Button, Quiet, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { give } from "../platform/giving";
import { useAct } from "../screens/session";
import { csvOf } from "./csv";
import type { Overview } from "./oversight";
import { Mark } from "./mark";
import { exact } from "./times";
import { useOversight, useOverview } from "./use";

export function Save(): JSX.Element {
  const loaded = useOverview();
  return (
    <Page title="Export">
      <WhenThere loaded={loaded}>
        {(overview) => (
          <>
            <Mark overview={overview} />
            {overview.rows.length > 0 && <Files overview={overview} />}
          </>
        )}
      </WhenThere>
    </Page>
  );
}

function Files({ overview: { side, rows, checkedMs } }: { readonly overview: Overview }): JSX.Element {
  const oversight = useOversight();
  const { busy, trouble, act } = useAct();
  const name = `${side}-${exact(checkedMs ?? 0).slice(0, 10)}`;
  return (
    <>
      <Section>For an auditor</Section>
      <Body>Every log with its signatures, every audit event and the checkpoint of the newest check. Whoever has the authority's fingerprint verifies it without trusting you, us or this app.</Body>
      <Button onPress={() => act(async () => give(`${name}.jsonl`, await oversight.bundle(), "application/jsonl"))} disabled={busy}>
        Save the signed logs
      </Button>
      <Section>For a spreadsheet</Section>
      <Body>The rows of the audit log, in words.</Body>
      <Button look="secondary" onPress={() => give(`${name}.csv`, [csvOf(rows)], "text/csv")}>
        Save the rows
      </Button>
      <Quiet>Both say who works with whom and when. Keep them as you keep the case files themselves.</Quiet>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
    </>
  );
}
