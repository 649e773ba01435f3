/** The screens of what is seldom done, and not at a door: fetched from this release when the first of them is opened. */
export { Agree } from "./agree";
export { Conflicts, OneConflict } from "./conflicts";
export { WhatIsDue } from "./due";
export { ForgottenScreen } from "./forgotten";
export { Handovers } from "./handover";
export { HeldWork } from "./held";
export { HelpScreen } from "./help";
export { Instruct } from "./instruct";
export { Lost } from "./lost";
export { Recovery } from "./recovery";
export { Referrals } from "./referrals";
export { SplitScreen } from "./split";
