/** The line of truth about sending: rolled up from single items, never a flag of its own. */
import type { JSX } from "preact";
import type { Sending, Status } from "../device/facade";
import { when } from "../screens/times";
import { SENDING } from "../screens/words";
import { Tag } from "./patterns";

export function statusWords(status: Status, nowMs: number): string {
  const unsent = status.unsent === 0 ? "Everything sent" : `${status.unsent} not sent`;
  const last = status.lastSentMs === undefined ? "nothing sent yet" : `last sent ${when(status.lastSentMs, nowMs)}`;
  const needs = status.needsYou === 0 ? "nothing needs you" : status.needsYou === 1 ? "1 thing needs you" : `${status.needsYou} things need you`;
  return `${unsent} · ${last} · ${needs}`;
}

export function SendingTag({ sending }: { readonly sending: Sending }): JSX.Element {
  const [words, colour] = SENDING[sending];
  return <Tag colour={colour}>{words}</Tag>;
}
