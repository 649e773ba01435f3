/**
 * Joining a service with an invitation: read from a picture or pasted, shown in plain words, and sent when somebody has said yes.
 *
 * Nothing leaves this phone before that: whose it is stands in the code itself.
 */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Body, Button, Details, ErrorSummary } from "../components/basics";
import { Page, TroubleBox } from "../components/page";
import { Alert, SummaryList } from "../components/patterns";
import type { Boot, Invited } from "../device/boot";
import { type Device, Trouble } from "../device/facade";
import { sentence } from "../forms/schema";
import type { Store } from "../store/store";
import { Door } from "./doors";
import { Scan } from "./scan";
import { troubleOf } from "./session";
import { when } from "./times";

interface JoinProps {
  readonly store: Store;
  readonly boot: Boot;
  readonly now: () => number;
  readonly broken?: boolean;
  readonly onJoined: (device: Device) => void;
}

interface Read {
  readonly code: string;
  readonly invited: Invited;
}

const BROKEN = new Trouble("damaged", "What is kept on this phone cannot be opened.", "It may be broken.", "Ring your coordinator before you do anything else.", false);

const SIDES: Readonly<Record<Invited["side"], string>> = {
  perpetrator: "Navigators: the people who visit",
  victim: "Partner support",
  oversight: "Oversight: supervisors, who read nothing",
};

/** Why an administrator removed a phone, in words. */
const REMOVED: Readonly<Record<string, string>> = {
  lost: "It was reported as lost.",
  stolen: "It was reported as stolen.",
  left: "Its person has left.",
  replaced: "Another phone has taken its place.",
  misuse: "Somebody reported that it was misused.",
  clone: "There was a copy of it.",
};

export function Join({ store, boot, now, broken = false, onJoined }: JoinProps): JSX.Element {
  const [read, setRead] = useState<Read>();
  if (broken) {
    return (
      <Door>
        <Page title="Notes">
          <TroubleBox trouble={BROKEN} />
        </Page>
      </Door>
    );
  }
  return (
    <Door>
      {read === undefined ? (
        <Ask store={store} boot={boot} onRead={setRead} />
      ) : (
        <Confirm key={read.code} store={store} boot={boot} now={now} read={read} onJoined={onJoined} onLeave={() => setRead(undefined)} />
      )}
    </Door>
  );
}

interface AskProps {
  readonly store: Store;
  readonly boot: Boot;
  readonly onRead: (read: Read) => void;
}

function Ask({ store, boot, onRead }: AskProps): JSX.Element {
  const [code, setCode] = useState("");
  const [scanning, setScanning] = useState(false);
  const [wiped, setWiped] = useState<string>();
  useEffect(() => void boot.wiped?.(store).then(setWiped, () => undefined), [boot, store]);
  const [wrong, setWrong] = useState<string>();
  const take = async (text: string): Promise<string | undefined> => {
    try {
      onRead({ code: text, invited: await boot.read(text) });
      return undefined;
    } catch (error) {
      const trouble = troubleOf(error);
      return trouble.code === "malformed" ? "That is not a whole invitation" : trouble.what;
    }
  };
  const paste = async (): Promise<void> => setWrong(code.trim() === "" ? "Paste the invitation, or scan its code" : await take(code.trim()));
  return (
    <Page title="Join your service">
      <ErrorSummary problems={wrong === undefined ? [] : [{ message: wrong, target: "invitation" }]} />
      {wiped !== undefined && (
        <Alert kind="warning" heading="This phone was removed from the service">
          <p>
            {REMOVED[wiped] ?? "An administrator removed it."} What was not sent yet was handed in first. Then everything was wiped from this phone.
          </p>
        </Alert>
      )}
      <Body>Your administrator has given you an invitation. It works once, on one phone.</Body>
      {scanning ? <Scan onFound={take} onStop={() => setScanning(false)} /> : <Button onPress={() => setScanning(true)}>Scan the code</Button>}
      <form
        autocomplete="off"
        onSubmit={(event) => {
          event.preventDefault();
          void paste();
        }}
      >
        <div class={`govuk-form-group${wrong === undefined ? "" : " govuk-form-group--error"}`}>
          <label class="govuk-label app-label" for="invitation">
            Invitation
          </label>
          <div class="govuk-hint" id="invitation-hint">
            Or paste it here.
          </div>
          {wrong !== undefined && (
            <p class="govuk-error-message" id="invitation-error">
              <span class="govuk-visually-hidden">Error:</span> {wrong}
            </p>
          )}
          <textarea
            class={`govuk-textarea${wrong === undefined ? "" : " govuk-textarea--error"}`}
            id="invitation"
            rows={4}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-describedby={wrong === undefined ? "invitation-hint" : "invitation-hint invitation-error"}
            value={code}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </div>
        <button type="submit" class="govuk-button govuk-button--secondary">
          Continue
        </button>
      </form>
      <Details summary="I have no invitation">
        <p>Ask your administrator for one. It ends after three days.</p>
      </Details>
      <Button look="secondary" onPress={() => void store.lock()}>
        Lock
      </Button>
    </Page>
  );
}

interface ConfirmProps {
  readonly store: Store;
  readonly boot: Boot;
  readonly now: () => number;
  readonly read: Read;
  readonly onJoined: (device: Device) => void;
  readonly onLeave: () => void;
}

function Confirm({ store, boot, now, read: { code, invited }, onJoined, onLeave }: ConfirmProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble>();
  const { name, organisation, roles, side, untilMs } = invited;
  const join = async (): Promise<void> => {
    setBusy(true);
    setTrouble(undefined);
    try {
      onJoined(await boot.join(store, code));
    } catch (error) {
      setTrouble(troubleOf(error));
      setBusy(false);
    }
  };
  return (
    <Page title={`Join as ${name}?`}>
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={() => void join()} />}
      <SummaryList
        rows={[
          { key: "Name", value: name },
          { key: roles.length === 1 ? "Role" : "Roles", value: sentence(roles.map((role) => role.replaceAll("_", " ")).join(", ")) },
          { key: "Side", value: SIDES[side] },
          ...(organisation === "" ? [] : [{ key: "Organisation", value: organisation }]),
          { key: untilMs < now() ? "Ended" : "Good until", value: when(untilMs, now()) },
        ]}
      />
      <Body>Nothing was sent yet. What you write on this phone will stand under this name.</Body>
      <div class="govuk-button-group">
        <Button onPress={() => void join()} disabled={busy}>
          {busy ? "Joining" : `Join as ${name}`}
        </Button>
        <Button look="secondary" onPress={onLeave} disabled={busy}>
          That is not me
        </Button>
      </div>
    </Page>
  );
}
