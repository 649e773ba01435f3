/** Settings: locking, the passphrase, room on this phone, and what this app is. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, Details, ErrorSummary, Section } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList } from "../components/patterns";
import { isApple, isInstalled, releaseSigner } from "../platform/install";
import { LOCK_MINUTES } from "../store/autolock";
import { type Room, askToKeep, room } from "../store/room";
import { StoreRefusal } from "../store/refusal";
import { sentence } from "../forms/schema";
import { Passphrase } from "./doors";
import { useAct, useAsked, useSession } from "./session";
import { megabytes, when } from "./times";

export function SettingsScreen(): JSX.Element {
  const { router, device, release, now } = useSession();
  return (
    <Page title="Settings" onBack={() => router.back()}>
      <SummaryList
        rows={[
          { key: "You are", value: device.me.name },
          { key: "Roles", value: sentence(device.me.roles.map((role) => role.replaceAll("_", " ")).join(", ")) },
          { key: "This phone", value: device.me.device },
          { key: "This version", value: release.number === undefined ? "Not kept on this phone yet" : `Of ${when(release.number, now())}` },
          { key: "Signed with", value: releaseSigner() },
        ]}
      />
      <Locking />
      <ChangePassphrase />
      <RoomOnPhone />
    </Page>
  );
}

function Locking(): JSX.Element {
  const { settings, changeSettings } = useSession();
  const { trouble, act } = useAct();
  return (
    <>
      <Section>Locking</Section>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <div class="govuk-form-group">
        <fieldset class="govuk-fieldset">
          <legend class="govuk-fieldset__legend app-label">Lock by itself after</legend>
          <div class="govuk-radios">
            {LOCK_MINUTES.map((minutes) => (
              <div class="govuk-radios__item" key={minutes}>
                <input
                  class="govuk-radios__input"
                  id={`minutes-${minutes}`}
                  name="minutes"
                  type="radio"
                  autocomplete="off"
                  checked={settings.minutes === minutes}
                  onChange={() => act(() => changeSettings({ ...settings, minutes }))}
                />
                <label class="govuk-label govuk-radios__label" for={`minutes-${minutes}`}>
                  {minutes === 1 ? "1 minute" : `${minutes} minutes`}
                </label>
              </div>
            ))}
          </div>
        </fieldset>
      </div>
      <div class="govuk-form-group">
        <div class="govuk-checkboxes">
          <div class="govuk-checkboxes__item">
            <input
              class="govuk-checkboxes__input"
              id="on-hide"
              type="checkbox"
              autocomplete="off"
              checked={settings.onHide}
              onChange={(event) => {
                const onHide = event.currentTarget.checked;
                act(() => changeSettings({ ...settings, onHide }));
              }}
            />
            <label class="govuk-label govuk-checkboxes__label" for="on-hide">
              Also whenever another app is in front
            </label>
          </div>
        </div>
      </div>
    </>
  );
}

function ChangePassphrase(): JSX.Element {
  const { store } = useSession();
  const helpers = useAsked((device) => device.whoCanHelp(), []);
  const [present, setPresent] = useState("");
  const [next, setNext] = useState("");
  const [wrong, setWrong] = useState<{ readonly box: "present" | "next"; readonly words: string }>();
  const [changed, setChanged] = useState(false);
  const { busy, trouble, act } = useAct();
  const change = (): void =>
    act(async () => {
      setWrong(undefined);
      setChanged(false);
      try {
        await store.changePassphrase(present, next);
        setChanged(true);
        setNext("");
      } catch (error) {
        const why = error instanceof StoreRefusal ? error.why : undefined;
        if (why === "too-short") setWrong({ box: "next", words: "Your new passphrase must be 8 characters or more" });
        else if (why === "wrong-passphrase") setWrong({ box: "present", words: "That is not your passphrase" });
        else if (why === "wait") setWrong({ box: "present", words: "There were too many wrong ones. Wait, then try again" });
        else throw error;
      } finally {
        setPresent("");
      }
    });
  return (
    <>
      <Section>Passphrase</Section>
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong.words, target: wrong.box }]} />
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      {changed && <Alert kind="success" heading="Your passphrase is changed" now />}
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) change();
        }}
      >
        <Passphrase id="present" label="Your passphrase now" value={present} wrong={wrong?.box === "present" ? wrong.words : undefined} onType={setPresent} />
        <Passphrase id="next" label="Your new passphrase" hint="8 characters or more." value={next} wrong={wrong?.box === "next" ? wrong.words : undefined} onType={setNext} />
        <button type="submit" class="govuk-button govuk-button--secondary" disabled={busy}>
          {busy ? "One moment" : "Change it"}
        </button>
      </form>
      <WhenThere loaded={helpers}>
        {(names) => (
          <Details summary="If you forget it">
            <p>
              {names.length === 0
                ? "Nobody can help yet. Send and fetch once; an administrator’s phone is never helped."
                : `They can let you in again, and nothing on this phone is lost: ${names.join(", ")}.`}
            </p>
            <p>On the page where the app asks for it, press “I have forgotten it”.</p>
          </Details>
        )}
      </WhenThere>
    </>
  );
}

function RoomOnPhone(): JSX.Element | null {
  const [there, setThere] = useState<Room>();
  const [asked, setAsked] = useState(false);
  const look = (): Promise<void> => room().then(setThere);
  useEffect(() => void look().catch(() => undefined), []);
  if (there === undefined) return null;
  const ask = async (): Promise<void> => {
    await askToKeep();
    setAsked(true);
    await look();
  };
  return (
    <>
      <Section>Room on this phone</Section>
      <SummaryList
        rows={[
          { key: "Used", value: megabytes(there.usedBytes) },
          { key: "Room for", value: megabytes(there.quotaBytes) },
          { key: "Kept", value: there.kept ? "The browser keeps it until you remove it" : "The browser may clear it when the phone is full" },
        ]}
      />
      {!there.kept && (
        <>
          <Body>What was received by the service is safe. What is on this phone alone would be lost.</Body>
          {asked ? (
            <Body>The browser has not agreed. Install the app on your home screen, then ask again.</Body>
          ) : (
            <Button look="secondary" onPress={() => void ask().catch(() => undefined)}>
              Ask the browser to keep it
            </Button>
          )}
        </>
      )}
      {!isInstalled() && (
        <Alert kind={isApple() ? "warning" : "information"} heading="Not on your home screen yet">
          <p>
            {isApple()
              ? "On this phone a web page’s data are cleared after seven days without use. Press Share, then “Add to Home Screen”, before you work offline."
              : "In the browser’s menu, choose “Install app” or “Add to home screen”."}
          </p>
        </Alert>
      )}
    </>
  );
}
