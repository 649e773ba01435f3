/**
 * The camera, to read a code that somebody holds up. Pictures are looked at and forgotten; none of them is kept or sent.
 *
 * The browser's own reader is used where there is one; else a reader of ours is fetched, as a file of its own, only then.
 */

/** Why there is no picture. */
export class NoCamera extends Error {
  override readonly name = "NoCamera";
  constructor(readonly why: "denied" | "missing" | "busy") {
    super(why);
  }
}

type Reader = (video: HTMLVideoElement) => Promise<string | undefined>;

interface Detector {
  detect(video: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
}

interface DetectorKind {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
}

const PAUSE_MS = 120;
/** Beyond this a picture tells no more, and takes longer to read. */
const MOST_PIXELS = 1280;

/** TypeScript's DOM types do not know it yet. */
const detectorKind = (globalThis as { readonly BarcodeDetector?: DetectorKind }).BarcodeDetector;

async function browsersReader(): Promise<Reader | undefined> {
  if (detectorKind === undefined) return undefined;
  const formats = await detectorKind.getSupportedFormats().catch((): readonly string[] => []);
  if (!formats.includes("qr_code")) return undefined;
  const detector = new detectorKind({ formats: ["qr_code"] });
  return async (video) => (await detector.detect(video))[0]?.rawValue;
}

async function ownReader(): Promise<Reader> {
  const { default: read } = await import("jsqr");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return (video) => {
    const scale = Math.min(1, MOST_PIXELS / Math.max(video.videoWidth, video.videoHeight, 1));
    [canvas.width, canvas.height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    if (context === null || canvas.width === 0 || canvas.height === 0) return Promise.resolve(undefined);
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
    return Promise.resolve(read(data, width, height, { inversionAttempts: "dontInvert" })?.data);
  };
}

const WHY: Readonly<Record<string, NoCamera["why"]>> = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
};

async function open(): Promise<MediaStream> {
  // Where the page is not served over a safe connection, browsers have no such thing at all.
  if (!("mediaDevices" in navigator)) throw new NoCamera("missing");
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 1280 } } });
  } catch (error) {
    throw new NoCamera(error instanceof DOMException ? (WHY[error.name] ?? "missing") : "missing");
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** Shows what the camera sees, and tells each code that is in it, until it is stopped. Then the camera is off. Raises NoCamera. */
export async function look(video: HTMLVideoElement, stop: AbortSignal, found: (text: string) => void): Promise<void> {
  const stream = await open();
  try {
    const read = (await browsersReader()) ?? (await ownReader());
    if (stop.aborted) return;
    video.srcObject = stream;
    await video.play().catch(() => undefined); // stopped before it began
    let last = "";
    while (!stop.aborted) {
      const text = await read(video).catch(() => undefined);
      if (stop.aborted) return;
      if (text !== undefined && text !== "" && text !== last) found((last = text));
      await pause();
    }
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  }
}
