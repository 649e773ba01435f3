/** The overview, asked again whenever something of it has changed. */
import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { type Loaded, troubleOf } from "../screens/session";
import type { Oversight, Overview } from "./oversight";

export const OversightContext = createContext<Oversight | undefined>(undefined);

export function useOversight(): Oversight {
  const oversight = useContext(OversightContext);
  if (oversight === undefined) throw new Error("a screen of the console stands outside of it");
  return oversight;
}

export function useOverview(): Loaded<Overview> {
  const oversight = useOversight();
  const [loaded, setLoaded] = useState<Loaded<Overview>>({ is: "loading" });
  useEffect(() => {
    let current = true;
    const load = (): void => {
      oversight.overview().then(
        (value) => current && setLoaded({ is: "there", value }),
        (error: unknown) => current && setLoaded({ is: "failed", trouble: troubleOf(error) }),
      );
    };
    load();
    const stop = oversight.subscribe(load);
    return () => {
      current = false;
      stop();
    };
  }, [oversight]);
  return loaded;
}
