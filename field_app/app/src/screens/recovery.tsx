/**
 * Recovery: who holds the shares, a drill, and files brought back that nobody holds any more (docs/spec.md §6.3, §7.6).
 *
 * What is typed from paper is kept nowhere: no draft, no row, and it goes with the screen.
 */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Body, Button, Details, Inset, Section, Warning } from "../components/basics";
import { Page, TroubleBox, WhenThere } from "../components/page";
import { Alert, SummaryList, Tag } from "../components/patterns";
import type { FoundState, Opened, RecoveryView } from "../device/facade";
import { useAct, useAsked, useSession } from "./session";
import { when } from "./times";

export function Recovery(): JSX.Element {
  const { router } = useSession();
  const [back, setBack] = useState<readonly Opened[]>();
  const loaded = useAsked((device) => device.recovery(), []);
  return (
    <Page title="Recovery" onBack={() => router.back()}>
      <WhenThere loaded={loaded}>
        {(view) => (
          <>
            <Standing view={view} />
            {back !== undefined && <AreBack opened={back} />}
            {view.permit !== undefined && <BringBack permit={view.permit} onBack={setBack} />}
            <Drill />
            {view.granted.length > 0 && <GrantAgain view={view} />}
          </>
        )}
      </WhenThere>
    </Page>
  );
}

function Standing({ view: { holders, threshold, drilled, granted, owed } }: { readonly view: RecoveryView }): JSX.Element {
  const all = granted.length + owed.length;
  return (
    <>
      <Body>If every phone of a file is lost, people who hold shares on paper can open it again, together, and never one alone.</Body>
      <SummaryList
        rows={[
          { key: "Who holds shares", value: holders.length === 0 ? "Nobody is on record. Ask your administrator." : holders.join(", ") },
          ...(threshold === undefined ? [] : [{ key: "Needed", value: `${threshold} of ${holders.length}` }]),
          { key: "A drill was held", value: drilled ? "Yes, since these shares were made" : "Not yet" },
          { key: "Your files", value: `${granted.length} of ${all} can be brought back` },
        ]}
      />
      {new Set(holders.map((name) => name.toLowerCase())).size === 1 && <Warning>One person alone holds them. Ask your administrator for two.</Warning>}
    </>
  );
}

/** Shares that were typed, without boxes that are empty. */
export const given = (shares: readonly string[]): readonly string[] => shares.filter((one) => one.trim() !== "");

interface SharesProps {
  /** Of the boxes: there may be several sets of them on a page. */
  readonly id: string;
  readonly shares: readonly string[];
  readonly onType: (shares: readonly string[]) => void;
}

/** A box for each share, and another one where there is one more. */
export function Shares({ id, shares, onType }: SharesProps): JSX.Element {
  const put = (at: number, text: string): void => onType(shares.map((one, index) => (index === at ? text : one)));
  return (
    <>
      {shares.map((words, at) => (
        <div class="govuk-form-group" key={at}>
          <label class="govuk-label app-label" for={`${id}-${at}`}>
            Share {at + 1}
          </label>
          <div class="govuk-hint" id={`${id}-${at}-hint`}>
            33 words, from the paper. The first four letters of each are enough.
          </div>
          <textarea
            class="govuk-textarea"
            id={`${id}-${at}`}
            rows={4}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            aria-describedby={`${id}-${at}-hint`}
            value={words}
            onInput={(event) => put(at, event.currentTarget.value)}
          />
        </div>
      ))}
      <Button look="secondary" onPress={() => onType([...shares, ""])}>
        Another share
      </Button>
    </>
  );
}

interface TypingProps {
  readonly id: string;
  readonly words: string;
  readonly onShares: (shares: readonly string[]) => Promise<readonly Opened[]>;
  readonly done: (opened: readonly Opened[]) => JSX.Element;
}

/** Shares are typed, something is done with them, and they are forgotten. */
function Typing({ id, words, onShares, done }: TypingProps): JSX.Element {
  const [shares, setShares] = useState<readonly string[]>(["", ""]);
  const [opened, setOpened] = useState<readonly Opened[]>();
  const { busy, trouble, act } = useAct();
  if (opened !== undefined) return done(opened);
  const use = (): void =>
    act(async () => {
      setOpened(await onShares(given(shares)));
      setShares([]);
    });
  return (
    <>
      {trouble !== undefined && <TroubleBox trouble={trouble} />}
      <Warning>For a moment this phone can open every file of your side. Be alone with those who hold the shares.</Warning>
      <Shares id={id} shares={shares} onType={setShares} />
      <Button onPress={use} disabled={busy}>
        {busy ? "One moment" : words}
      </Button>
    </>
  );
}

const Lines = ({ opened }: { readonly opened: readonly Opened[] }): JSX.Element => (
  <ul class="govuk-list govuk-list--bullet">
    {opened.map(({ file, title, closed }) => (
      <li key={file}>
        {title}: {closed === 0 ? "all of it" : `${closed} of its keys stay closed`}
      </li>
    ))}
  </ul>
);

function Drill(): JSX.Element {
  const { device } = useSession();
  return (
    <>
      <Section>Hold a drill</Section>
      <Body>It proves that enough shares come to the key in force, and tries it on the files of this phone. Nothing is changed, and everybody of your side sees that it was held.</Body>
      <Details summary="Type the shares">
        <Typing
          id="tried"
          words="Try the shares"
          onShares={(shares) => device.drill(shares)}
          done={(opened) => (
            <>
              <Alert kind="success" heading="The shares come to the key in force" now>
                <p>They open {opened.filter(({ closed }) => closed === 0).length} of {opened.length} files here.</p>
              </Alert>
              <Lines opened={opened} />
              <Body>Each holder takes their share back, under lock. The next drill is due in a year.</Body>
            </>
          )}
        />
      </Details>
    </>
  );
}

const STATES: Readonly<Record<FoundState, readonly [string, "blue" | "green" | "orange" | "grey"]>> = {
  ready: ["Can be brought back", "blue"],
  held: ["In somebody’s hands", "green"],
  "same-key": ["A fresh recovery key has to come first", "orange"],
  "no-role": ["Not by somebody with your roles", "grey"],
};

/** It stays when the permit has ended, which it does with the last file. */
const AreBack = ({ opened }: { readonly opened: readonly Opened[] }): JSX.Element => (
  <>
    <Alert kind="success" heading={opened.length === 1 ? "1 file is back" : `${opened.length} files are back`} now>
      <p>You are in them, each has a new key, and the fresh recovery key has all of it.</p>
    </Alert>
    <Lines opened={opened} />
    <Body>Let your colleagues in again. Keep the old shares until every file of your side has been granted to the fresh key; then destroy them.</Body>
  </>
);

interface BringBackProps {
  readonly permit: NonNullable<RecoveryView["permit"]>;
  readonly onBack: (opened: readonly Opened[]) => void;
}

function BringBack({ permit: { untilMs, files }, onBack }: BringBackProps): JSX.Element {
  const { device, now } = useSession();
  const ready = files.some(({ state }) => state === "ready");
  return (
    <>
      <Section>Bring files back</Section>
      <Inset>An administrator lets this phone bring files back until {when(untilMs, now())}.</Inset>
      <ul class="govuk-list">
        {files.map(({ file, title, state }) => (
          <li key={file}>
            {title} <Tag colour={STATES[state][1]}>{STATES[state][0]}</Tag>
          </li>
        ))}
      </ul>
      {ready && <Body>You need the shares of the key that was in force when the files were last in hand, and a signal. You are in each file from then on.</Body>}
      {ready && (
        <Details summary="Type the old shares">
          <Typing
            id="old"
            words="Bring them back"
            onShares={async (shares) => {
              const opened = await device.bringBack(shares);
              onBack(opened);
              return opened;
            }}
            done={() => <Body>That is done.</Body>}
          />
        </Details>
      )}
    </>
  );
}

function GrantAgain({ view: { granted } }: { readonly view: RecoveryView }): JSX.Element {
  const { device } = useSession();
  const { busy, trouble, act } = useAct();
  const [done, setDone] = useState<readonly string[]>([]);
  return (
    <>
      <Section>After a drill</Section>
      <Details summary="A file did not open whole">
        {trouble !== undefined && <TroubleBox trouble={trouble} />}
        <Body>Whoever can read all of it gives the recovery key its keys once more.</Body>
        <ul class="govuk-list app-cards">
          {granted.map(({ file, title }) => (
            <li class="app-card" key={file}>
              <p class="app-card__line">{title}</p>
              {done.includes(file) ? (
                <p class="app-card__line" role="status">
                  Given. It goes with the next sync.
                </p>
              ) : (
                <Button
                  look="secondary"
                  about={`of ${title}`}
                  disabled={busy}
                  onPress={() =>
                    act(async () => {
                      await device.regrant(file);
                      setDone([...done, file]);
                    })
                  }
                >
                  Give the keys again
                </Button>
              )}
            </li>
          ))}
        </ul>
      </Details>
    </>
  );
}
