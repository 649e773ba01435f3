import { render } from "preact";
import "./styles/app.scss";
const root = document.getElementById("app");
if (root !== null) render(<p class="govuk-body">hello</p>, root);
