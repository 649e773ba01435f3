/** The start: the store, the device in it, and the screens in front of it. */
import { render } from "preact";
import { boot } from "./device/start";
import { install } from "./platform/install";
import { App } from "./screens/app";
import { Store } from "./store/store";
import "./styles/app.scss";

const STORE = "notes";
const now = (): number => Date.now();

const root = document.getElementById("app");
if (root !== null) {
  const store = await Store.open(STORE, now);
  render(<App store={store} boot={boot} now={now} install={install} />, root);
}
