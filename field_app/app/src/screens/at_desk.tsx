/** A screen of `desk`, when that has come; the first time it takes a moment. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type * as Desk from "./desk";
import { Opening } from "./doors";

let desk: typeof Desk | undefined; // once it is there it stays

export function AtDesk({ show }: { readonly show: (screens: typeof Desk) => JSX.Element }): JSX.Element {
  const [there, setThere] = useState(desk);
  useEffect(() => {
    if (there !== undefined) return;
    void import("./desk").then((screens) => {
      desk = screens;
      setThere(screens);
    });
  }, [there]);
  return there === undefined ? <Opening /> : show(there);
}
