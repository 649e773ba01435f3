/** What stands around every screen while the app is unlocked: who is where, offline or not, hide now, and four ways to go. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { AtDesk } from "./at_desk";
import { FileScreen } from "./file";
import { FinishVisit } from "./finish";
import { Fund } from "./fund";
import { Home } from "./home";
import { More } from "./more";
import type { Place } from "./places";
import { QuickContact } from "./contact";
import { RecordScreen } from "./record";
import { Search } from "./search";
import { Sending } from "./sending";
import { useSession } from "./session";
import { SettingsScreen } from "./settings";
import { TypesOfRecord } from "./types";
import { Urgent } from "./urgent";
import { Visit } from "./visit";
import { Write } from "./write";

interface Way {
  readonly place: Place;
  readonly label: string;
  readonly icon: string;
}

const WAYS: readonly Way[] = [
  { place: { at: "home" }, label: "Home", icon: "M3 11 12 3l9 8v10h-6v-6H9v6H3z" },
  { place: { at: "search" }, label: "Search", icon: "M10 3a7 7 0 1 0 4.2 12.6l5 5 1.6-1.6-5-5A7 7 0 0 0 10 3zm0 2.2a4.8 4.8 0 1 1 0 9.6 4.8 4.8 0 0 1 0-9.6z" },
  { place: { at: "urgent" }, label: "Urgent", icon: "M12 2 1 21h22zM11 9h2v6h-2zm0 7.5h2v2h-2z" },
  { place: { at: "more" }, label: "More", icon: "M4 5h16v2.4H4zm0 5.8h16v2.4H4zm0 5.8h16V19H4z" },
];

export function Shell(): JSX.Element {
  const { device, router, online, hideNow } = useSession();
  const [place, setPlace] = useState(router.place);
  useEffect(() => router.onMove(() => setPlace(router.place)), [router]);
  const { practice } = device.me;
  return (
    <div class={practice ? "app-shell app-shell--practice" : "app-shell"}>
      <a
        class="govuk-skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the address is the router's
          document.querySelector<HTMLElement>("#main h1")?.focus();
        }}
      >
        Skip to main content
      </a>
      <header>
        {practice && <p class="app-practice">Practice: nobody in here is real</p>}
        <div class="app-header">
          <span class="app-header__name">Notes</span>
          <span class="app-header__chips">
            {!online && <span class="app-chip">Offline</span>}
            <button type="button" class="app-hide" onClick={hideNow}>
              Hide now
            </button>
          </span>
        </div>
      </header>
      <nav class="app-ways" aria-label="Main">
        <ul class="app-ways__list">
          {WAYS.map((way) => (
            <li key={way.label}>
              <button
                type="button"
                class={`app-way${way.label === "Urgent" ? " app-way--urgent" : ""}`}
                aria-current={place.at === way.place.at ? "page" : undefined}
                onClick={() => router.go(way.place)}
              >
                <svg class="app-way__icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
                  <path d={way.icon} fill-rule="evenodd" />
                </svg>
                {way.label}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <div class="govuk-width-container app-content" key={JSON.stringify(place)}>
        <Screen place={place} />
      </div>
    </div>
  );
}

function Screen({ place }: { readonly place: Place }): JSX.Element {
  switch (place.at) {
    case "home":
    case "console": // a supervisor's: their shell is another
      return <Home />;
    case "file":
      return <FileScreen file={place.file} />;
    case "visit":
      return <Visit file={place.file} />;
    case "contact":
      return <QuickContact file={place.file} />;
    case "types":
      return <TypesOfRecord file={place.file} />;
    case "record":
      return <RecordScreen file={place.file} record={place.record} />;
    case "write":
      return <Write file={place.file} type={place.type} record={place.record} draft={place.draft} then={place.then} />;
    case "finish":
      return <FinishVisit file={place.file} draft={place.draft} />;
    case "instruct":
      return <AtDesk show={({ Instruct }) => <Instruct file={place.file} />} />;
    case "urgent":
      return <Urgent />;
    case "due":
      return <AtDesk show={({ WhatIsDue }) => <WhatIsDue />} />;
    case "search":
      return <Search />;
    case "sending":
      return <Sending />;
    case "conflicts":
      return <AtDesk show={({ Conflicts }) => <Conflicts />} />;
    case "conflict":
      return <AtDesk show={({ OneConflict }) => <OneConflict file={place.file} record={place.record} field={place.field} cell={place.cell} />} />;
    case "held":
      return <AtDesk show={({ HeldWork }) => <HeldWork file={place.file} />} />;
    case "handovers":
      return <AtDesk show={({ Handovers }) => <Handovers />} />;
    case "fund":
      return <Fund />;
    case "help":
      return <AtDesk show={({ HelpScreen }) => <HelpScreen />} />;
    case "recovery":
      return <AtDesk show={({ Recovery }) => <Recovery />} />;
    case "agree":
      return <AtDesk show={({ Agree }) => <Agree />} />;
    case "referrals":
      return <AtDesk show={({ Referrals }) => <Referrals />} />;
    case "split":
      return <AtDesk show={({ SplitScreen }) => <SplitScreen key={place.record} file={place.file} record={place.record} />} />;
    case "lost":
      return <AtDesk show={({ Lost }) => <Lost />} />;
    case "more":
      return <More />;
    case "settings":
      return <SettingsScreen />;
    default: {
      const never: never = place;
      return never;
    }
  }
}
