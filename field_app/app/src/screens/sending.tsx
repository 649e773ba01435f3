/** What was written and is not with everybody yet: what, why in one sentence, what to do, try again. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, LinkButton, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { SendingTag } from "../components/status";
import type { Item } from "../device/facade";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";

export function Sending(): JSX.Element {
  const { router } = useSession();
  const items = useAsked((device) => device.items(), []);
  return (
    <Page title="What is being sent" onBack={() => router.back()}>
      <WhenThere loaded={items}>
        {(there) => {
          const needing = there.filter((item) => item.sending === "needs-you" || item.sending === "held");
          const others = there.filter((item) => !needing.includes(item));
          return (
            <>
              {there.length === 0 && <Body>Everything that you wrote on this phone has been received.</Body>}
              {needing.length > 0 && <Section>Needs somebody</Section>}
              <Items items={needing} />
              {others.length > 0 && <Section>On its way</Section>}
              <Items items={others} />
            </>
          );
        }}
      </WhenThere>
    </Page>
  );
}

const Items = ({ items }: { readonly items: readonly Item[] }): JSX.Element => (
  <ul class="govuk-list app-cards">
    {items.map((item) => (
      <OneItem key={item.id} item={item} />
    ))}
  </ul>
);

function OneItem({ item }: { readonly item: Item }): JSX.Element {
  const { device, router, now } = useSession();
  const { busy, trouble, act } = useAct();
  const [leaving, setLeaving] = useState(false);
  const { file, record } = item;
  return (
    <li class="app-card">
      {record === undefined ? item.title : <LinkButton onPress={() => router.go({ at: "record", file, record })}>{item.title}</LinkButton>}
      <p class="app-card__line">
        <SendingTag sending={item.sending} /> since {when(item.sinceMs, now())}
      </p>
      {item.trouble !== undefined && (
        <p class="govuk-body">
          {item.trouble.what} {item.trouble.why} {item.trouble.doThis}
        </p>
      )}
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {item.sending === "needs-you" && (
        <div class="govuk-button-group">
          <Button look="secondary" about={item.title} onPress={() => act(() => device.retry(item.id))} disabled={busy}>
            Try again
          </Button>
          <LinkButton about={item.title} onPress={() => setLeaving(true)}>
            Discard
          </LinkButton>
        </div>
      )}
      {leaving && <Discard item={item} onDone={() => setLeaving(false)} />}
    </li>
  );
}

/** Nothing is discarded without a person deciding so. */
function Discard({ item, onDone }: { readonly item: Item; readonly onDone: () => void }): JSX.Element {
  const { device } = useSession();
  const { busy, act } = useAct();
  const [reason, setReason] = useState("");
  const id = `discard-${item.id}`;
  const discard = (): void =>
    act(async () => {
      await device.discard(item.id, reason.trim());
      onDone();
    });
  return (
    <section class="app-inline" aria-label={`Discard ${item.title}`}>
      <div class="govuk-form-group">
        <label class="govuk-label app-label" for={id}>
          Why it may be discarded
        </label>
        <input class="govuk-input" id={id} type="text" maxLength={200} autocomplete="off" value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </div>
      <div class="govuk-button-group">
        <Button look="warning" onPress={discard} disabled={busy || reason.trim() === ""}>
          Discard for good
        </Button>
        <Button look="secondary" onPress={onDone}>
          Keep it
        </Button>
      </div>
    </section>
  );
}
