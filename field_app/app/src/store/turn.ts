/**
 * One writer: of several windows of the app, one has the store. Another says so, and may take over.
 *
 * A Web Lock says who it is. Whoever wants it asks the holder to finish and let go; a holder that does not answer, because
 * its window is frozen, loses it. What such a window may still do is stopped in the store: each write looks whether the
 * number of the turn is its own.
 */

const PATIENCE_MS = 3_000;

export interface Turn {
  /** Settles when another window has taken over, or has asked to and been let. */
  readonly over: Promise<void>;
  end(): void;
}

const channelName = (name: string): string => `${name}/turn`;

function request(name: string, options: LockOptions): Promise<Turn | undefined> {
  return new Promise((resolve, reject) => {
    let end = (): void => undefined;
    const ended = new Promise<void>((finish) => {
      end = finish;
    });
    let held = false;
    const over = navigator.locks
      .request(name, options, async (lock) => {
        held = lock !== null;
        resolve(lock === null ? undefined : { over, end });
        if (held) await ended;
      })
      .then(
        () => undefined,
        (error: unknown) => {
          if (!held) reject(error); // held, and then stolen: the turn is simply over
        },
      );
  });
}

/** Answers those who ask for the turn: `finish` is awaited before it ends. */
function giveWay(name: string, turn: Turn, finish: () => Promise<void>): Turn {
  const channel = new BroadcastChannel(channelName(name));
  channel.addEventListener("message", () => {
    void finish().finally(turn.end);
  });
  void turn.over.finally(() => channel.close());
  return turn;
}

/** The turn if nobody has it, else undefined. */
export async function takeTurn(name: string, finish: () => Promise<void>): Promise<Turn | undefined> {
  const turn = await request(name, { ifAvailable: true });
  return turn && giveWay(name, turn, finish);
}

/** The turn, whoever has it: by asking, and without an answer by force. */
export async function takeOver(name: string, finish: () => Promise<void>): Promise<Turn> {
  const channel = new BroadcastChannel(channelName(name));
  channel.postMessage("give way");
  const asked = await request(name, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
  channel.close();
  const turn = asked ?? (await request(name, { steal: true }));
  if (turn === undefined) throw new Error("the browser gave nobody the turn");
  return giveWay(name, turn, finish);
}
