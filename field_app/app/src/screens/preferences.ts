/** Settings of this phone's person, kept sealed like all else. */
import { LOCK_MINUTES, LOCK_RULES, type LockRules } from "../store/autolock";
import type { Store } from "../store/store";

export type Settings = LockRules;

const COLLECTION = "settings";
const NAME = "lock";

const isMinutes = (value: unknown): value is LockRules["minutes"] => LOCK_MINUTES.some((minutes) => minutes === value);

export async function loadSettings(store: Store): Promise<Settings> {
  const content = await store.get(COLLECTION, NAME);
  if (content === undefined) return LOCK_RULES;
  const value: unknown = JSON.parse(new TextDecoder().decode(content));
  if (typeof value !== "object" || value === null || !("minutes" in value) || !("onHide" in value)) return LOCK_RULES;
  return isMinutes(value.minutes) ? { minutes: value.minutes, onHide: value.onHide === true } : LOCK_RULES;
}

export const saveSettings = (store: Store, settings: Settings): Promise<void> =>
  store.transaction(async (transaction) => {
    transaction.put(COLLECTION, NAME, new TextEncoder().encode(JSON.stringify(settings)));
  });
