/** Handover: what is left open is empty or explained, and then the case is accepted. */
import type { JSX } from "preact";
import { Body, Button, LinkButton } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Tag, TaskList } from "../components/patterns";
import type { Handover } from "../device/facade";
import { useAct, useAsked, useSession } from "./session";

export function Handovers(): JSX.Element {
  const { router } = useSession();
  const loaded = useAsked(
    async (device) => ({ handovers: await device.handovers(), titles: new Map((await device.files()).map((file) => [file.id, file.title])) }),
    [],
  );
  return (
    <Page title="Handovers" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {({ handovers, titles }) =>
          handovers.length === 0 ? (
            <Body>Nothing is being handed over.</Body>
          ) : (
            handovers.map((handover) => <One key={handover.record} handover={handover} title={titles.get(handover.file) ?? "A file"} />)
          )
        }
      </WhenThere>
    </Page>
  );
}

/** Nothing of this kind is left, or somebody has said why it is. */
const isSettled = (handover: Handover): boolean => handover.left.every((one) => one.count === 0 || one.explained !== undefined);

function One({ handover, title }: { readonly handover: Handover; readonly title: string }): JSX.Element {
  const { device, router } = useSession();
  const { busy, trouble, act } = useAct();
  const { file, record } = handover;
  const settled = isSettled(handover);
  return (
    <section aria-label={title}>
      <h2 class="govuk-heading-m">{title}</h2>
      <Body>
        From {handover.from} to {handover.to}.
      </Body>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <TaskList
        tasks={handover.left.map((one) => ({
          id: `${record}-${one.kind}`,
          title: one.label,
          ...(one.explained === undefined ? {} : { hint: one.explained }),
          status:
            one.count === 0 ? <Tag colour="green">None</Tag> : one.explained === undefined ? <Tag colour="red">{one.count} open</Tag> : <Tag colour="blue">Explained</Tag>,
        }))}
      />
      {!settled && <Body>What is still open has to be finished, or explained in the handover, before it can be accepted.</Body>}
      {handover.accepted ? (
        <Body>It has been accepted.</Body>
      ) : (
        handover.mine && (
          <Button onPress={() => act(() => device.acceptHandover(file, record))} disabled={busy || !settled}>
            Accept this case
          </Button>
        )
      )}
      <p class="govuk-body">
        <LinkButton about={`of ${title}`} onPress={() => router.go({ at: "record", file, record })}>
          The handover
        </LinkButton>
      </p>
    </section>
  );
}
