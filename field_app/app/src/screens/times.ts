/** Times in words, as somebody says them. Pure. */

const two = (number: number): string => String(number).padStart(2, "0");
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAY = 86_400_000;

const clock = (date: Date): string => `${two(date.getHours())}:${two(date.getMinutes())}`;
const dayNumber = (date: Date): number => Math.round(new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime() / DAY);

/** "14:02", "yesterday at 14:02", "3 March at 14:02", "3 March 2025 at 14:02". */
export function when(ms: number, nowMs: number): string {
  const [date, now] = [new Date(ms), new Date(nowMs)];
  const days = dayNumber(now) - dayNumber(date);
  if (days === 0) return clock(date);
  if (days === 1) return `yesterday at ${clock(date)}`;
  const year = date.getFullYear() === now.getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${date.getDate()} ${MONTHS[date.getMonth()] ?? ""}${year} at ${clock(date)}`;
}

/** "less than a minute", "5 minutes", "3 hours", "2 days". */
export function howLong(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "less than a minute";
  const some = (count: number, word: string): string => `${count} ${word}${count === 1 ? "" : "s"}`;
  if (minutes < 60) return some(minutes, "minute");
  return minutes < 48 * 60 ? some(Math.floor(minutes / 60), "hour") : some(Math.floor(minutes / 1_440), "day");
}

/** A wait, to the second: "30 seconds", "4 minutes 5 seconds". */
export function countdown(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  const some = (count: number, word: string): string => (count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`);
  return [some(Math.floor(seconds / 60), "minute"), some(seconds % 60, "second")].filter((part) => part !== "").join(" ");
}

export function megabytes(bytes: number): string {
  if (bytes < 1_000_000) return "less than 1 MB";
  return bytes < 10_000_000_000 ? `${Math.round(bytes / 1_000_000)} MB` : `${Math.round(bytes / 1_000_000_000)} GB`;
}
