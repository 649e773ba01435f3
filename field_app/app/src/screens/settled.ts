/** What was typed when the last key is a moment ago: nobody is asked anything, or told, with every key. */
import { useEffect, useState } from "preact/hooks";
import type { Typed } from "../store/drafts";

const PAUSE_MS = 400;

export function useSettled(typed: Typed): Typed {
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return settled;
}
