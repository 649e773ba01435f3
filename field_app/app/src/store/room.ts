/** Room on the phone: whether the browser may throw away what is kept, and how much more there is. */

export interface Room {
  /** The browser has promised not to clear it by itself. */
  readonly kept: boolean;
  readonly usedBytes: number;
  readonly quotaBytes: number;
}

export async function room(): Promise<Room> {
  const [kept, { usage = 0, quota = 0 }] = await Promise.all([navigator.storage.persisted(), navigator.storage.estimate()]);
  return { kept, usedBytes: usage, quotaBytes: quota };
}

/** Asks the browser to keep it. It may ask the person, or say no without a word. */
export const askToKeep = (): Promise<boolean> => navigator.storage.persist();
