/** Danger: whom to ring, what to say, and putting on record what was done. It needs no network, and ringing comes first. */
import type { JSX } from "preact";
import { Button, LinkButton, Section } from "../components/basics";
import { Page, WhenThere } from "../components/page";
import { OpenAlerts } from "./alerts";
import { newDraft } from "./drafting";
import { useAsked, useSession } from "./session";

const EMERGENCY = { label: "Police, ambulance, fire", number: "999" } as const;

const SAY = [
  "Say that a person is in danger, and where, if you know it.",
  "Say who the danger comes from, and what was said or seen.",
  "Ask for the log number, and have them read back what you said.",
] as const;

export function Urgent(): JSX.Element {
  const { router } = useSession();
  const numbers = useAsked((device) => device.urgentNumbers(), []);
  const files = useAsked(async (device) => (await device.files()).filter((file) => file.open && ["case", "shared_care", "therapy"].includes(file.kind)), []);
  return (
    <Page title="Somebody is in danger" onBack={() => router.back()}>
      <p class="govuk-body-l">Ring first. Write afterwards.</p>
      <a class="govuk-button govuk-button--warning app-call" href={`tel:${EMERGENCY.number}`}>
        Ring {EMERGENCY.number}
        <span class="app-call__who">{EMERGENCY.label}</span>
      </a>
      <WhenThere loaded={numbers}>
        {(there) =>
          there.map(({ label, number }) => (
            <a key={number} class="govuk-button govuk-button--secondary app-call" href={`tel:${number.replaceAll(" ", "")}`}>
              Ring {number}
              <span class="app-call__who">{label}</span>
            </a>
          ))
        }
      </WhenThere>
      <OpenAlerts />
      <Section>What to say</Section>
      <ol class="govuk-list govuk-list--number">
        {SAY.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ol>
      <Section>Put it on record</Section>
      <WhenThere loaded={files}>
        {(there) =>
          there.length === 0 ? (
            <Button look="secondary" onPress={() => router.go({ at: "home" })}>
              Home
            </Button>
          ) : (
            <ul class="govuk-list">
              {there.map((file) => (
                <li key={file.id}>
                  <LinkButton onPress={() => router.go({ at: "write", file: file.id, type: "urgent_alert", draft: newDraft() })}>In {file.title}</LinkButton>
                </li>
              ))}
            </ul>
          )
        }
      </WhenThere>
    </Page>
  );
}
