/** The supervisor's console: one side's devices, its audit log, and whether all of it is true. Nothing of what anybody wrote is here. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Place } from "../screens/places";
import { useSession } from "../screens/session";
import { SettingsScreen } from "../screens/settings";
import { Charts } from "./charts";
import { HealthScreen } from "./health";
import type { Oversight } from "./oversight";
import { Save } from "./save";
import { AuditTable } from "./table";
import { OversightContext } from "./use";

interface Way {
  readonly place: Place;
  readonly label: string;
  readonly icon: string;
}

const WAYS: readonly Way[] = [
  { place: { at: "home" }, label: "Health", icon: "M3 13h4l2-7 4 13 3-9 1 3h4v2h-6l-1-1-3 9-4-13-1 5H3z" },
  { place: { at: "console", view: "audit" }, label: "Audit", icon: "M4 4h16v3H4zm0 6h16v3H4zm0 6h16v3H4z" },
  { place: { at: "console", view: "charts" }, label: "Charts", icon: "M4 20V10h4v10zm6 0V4h4v16zm6 0v-7h4v7z" },
  { place: { at: "console", view: "save" }, label: "Export", icon: "M11 3h2v9h4l-5 5-5-5h4zM4 19h16v2H4z" },
  { place: { at: "settings" }, label: "Settings", icon: "M4 5h10v2H4zm12-1h2v4h-2zM4 11h4v2H4zm6-1h2v4h-2zm4 1h6v2h-6zM4 17h8v2H4zm10-1h2v4h-2zm4 1h2v2h-2z" },
];

function isHere(way: Place, place: Place): boolean {
  return way.at === place.at && (way.at !== "console" || (place.at === "console" && place.view === way.view));
}

export function Console({ oversight }: { readonly oversight: Oversight }): JSX.Element {
  const { router, online, hideNow, lock } = useSession();
  const [place, setPlace] = useState(router.place);
  useEffect(() => router.onMove(() => setPlace(router.place)), [router]);
  return (
    <OversightContext.Provider value={oversight}>
      <div class="app-shell app-console">
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
          <div class="app-header">
            <span class="app-header__name">Notes</span>
            <span class="app-header__chips">
              {!online && <span class="app-chip">Offline</span>}
              <button type="button" class="app-hide app-hide--quiet" onClick={lock}>
                Lock
              </button>
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
                <button type="button" class="app-way" aria-current={isHere(way.place, place) ? "page" : undefined} onClick={() => router.go(way.place)}>
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
    </OversightContext.Provider>
  );
}

/** A supervisor has no files: whatever else a place may be is the first screen. */
function Screen({ place }: { readonly place: Place }): JSX.Element {
  if (place.at === "settings") return <SettingsScreen />;
  if (place.at !== "console") return <HealthScreen />;
  switch (place.view) {
    case "audit":
      return <AuditTable row={place.row} />;
    case "charts":
      return <Charts />;
    case "save":
      return <Save />;
    default: {
      const never: never = place.view;
      return never;
    }
  }
}
