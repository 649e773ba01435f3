/** A moment to the second, the same wherever it stands. Pure. */
const two = (n: number): string => String(n).padStart(2, "0");

export function exact(ms: number): string {
  const date = new Date(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
