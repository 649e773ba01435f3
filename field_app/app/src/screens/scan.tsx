/** The camera's picture, while a code is looked for. What is wrong is said; pasting is always possible instead. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../components/basics";
import { TroubleBox } from "../components/page";
import { Trouble } from "../device/facade";
import { NoCamera, look } from "../platform/camera";
import { troubleOf } from "./session";

const PASTE = "Ask for the invitation as text, and paste it below.";
const NO_CAMERA: Readonly<Record<NoCamera["why"], Trouble>> = {
  denied: new Trouble("camera", "This app may not use the camera.", "The browser said no, or somebody did.", `Allow the camera in the browser’s settings for this page. Or: ${PASTE}`, true),
  missing: new Trouble("camera", "No camera was found.", "This device has none that the browser knows.", PASTE, false),
  busy: new Trouble("camera", "The camera cannot be used now.", "Another app may be using it.", `Close that app and try again. Or: ${PASTE}`, true),
};

interface Props {
  /** Told of each code. Gives back what is wrong with it, in words, or nothing where it was taken. */
  readonly onFound: (text: string) => Promise<string | undefined>;
  readonly onStop: () => void;
}

export function Scan({ onFound, onStop }: Props): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const [trouble, setTrouble] = useState<Trouble>();
  const [said, setSaid] = useState("Hold the code in front of the camera.");
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const { current } = video;
    if (current === null) return undefined;
    const stop = new AbortController();
    const found = (text: string): void => void onFound(text).then((wrong) => wrong !== undefined && !stop.signal.aborted && setSaid(wrong));
    look(current, stop.signal, found).catch((error: unknown) => {
      if (!stop.signal.aborted) setTrouble(error instanceof NoCamera ? NO_CAMERA[error.why] : troubleOf(error));
    });
    return () => stop.abort();
  }, [tries]);
  const again = (): void => {
    setTrouble(undefined);
    setTries(tries + 1);
  };
  return (
    <section class="app-inline" aria-label="Camera">
      {trouble !== undefined && <TroubleBox trouble={trouble} onAgain={again} />}
      <div hidden={trouble !== undefined}>
        <video class="app-camera" ref={video} muted playsInline aria-hidden="true" />
        <p class="govuk-body" role="status">
          {said}
        </p>
      </div>
      <Button look="secondary" onPress={onStop}>
        {trouble === undefined ? "Stop the camera" : "Leave the camera"}
      </Button>
    </section>
  );
}
