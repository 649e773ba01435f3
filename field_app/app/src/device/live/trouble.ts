/** What the rules refuse, in words for whoever holds the phone: what happened, why, and what to do about it. Pure. */
import { type Code, Refused } from "@fieldkeep/core/errors";
import { Trouble } from "../facade";

type Words = readonly [what: string, doThis: string, again: boolean];

const NOT_SAVED = "That was not saved.";
const WORDS: { readonly [code in Code]?: Words } = {
  offline: ["The service could not be reached.", "Everything is kept on this phone. It goes by itself when there is a signal.", true],
  busy: ["The service is busy.", "Everything is kept on this phone. Try again in a few minutes.", true],
  quota: ["The service takes no more from this phone for now.", "Everything is kept on this phone. Try again tomorrow, or ring your coordinator.", true],
  storage: ["There is no room left on this phone.", "Free some room, then try again.", true],
  suspended: ["This phone is kept out for now.", "Ring your coordinator. What you had not sent is kept, and somebody looks at it.", false],
  revoked: ["This phone was removed from the service.", "Ring your coordinator. What you had not sent was handed in.", false],
  "certificate-ended": ["This phone's time on the service is over.", "Ask your administrator for a new invitation.", false],
  "no-standing": ["You are not a member of this file any more.", "Ring your coordinator.", false],
  "no-such-file": ["That file is not on this phone.", "Ask your coordinator whether you are a member.", false],
  "not-found": ["That is not on this phone.", "Go back to the file and look again.", false],
  "in-conflict": ["Two people changed this while apart.", "Decide on it first, under Conflicts.", false],
  frozen: ["That is signed, and stays as it was.", "Add to it, or write a new record that corrects it.", false],
  "not-permitted": ["That is not for you to do.", "Ask your coordinator.", false],
  "bad-value": [NOT_SAVED, "Change what is wrong and try again.", true],
  "too-large": [NOT_SAVED, "Make it shorter, or save it as several.", true],
  "after-predecessor": ["Something of this file is still on its way.", "Wait until it is received, then try again.", true],
  contradiction: ["The service says something that cannot be true.", "Ring your coordinator. Your data and the evidence are kept.", false],
  "clone-detected": ["Another copy of this phone has written.", "Ring your coordinator: this phone has to join anew.", false],
  "invitation-spent": ["That invitation was used already.", "If it was not you, ring your coordinator at once. Ask for a new one.", false],
  "invitation-ended": ["That invitation is too old.", "Ask for a new one.", false],
  "invitation-invalid": ["That invitation is not good here.", "Check that it was copied whole, or ask for a new one.", true],
  "wrong-digits": ["Those are not the digits of this request.", "Begin again, and read out fresh ones. When they differ again, somebody stands between you: answer nothing, and tell your coordinator.", false],
  "bad-share": ["A share is not right as it was typed.", "Compare it with the paper, and try again.", true],
  "too-few-shares": ["More shares are needed.", "Type another one.", true],
  "other-shares": ["Those shares are not the right ones.", "Look at the sheets: each names its side and its key.", true],
  "not-approved": ["These two people may not send it.", "Ask again, or let a coordinator agree.", false],
  "request-ended": ["That request is over.", "Begin again with a new one.", false],
  malformed: ["That is not what was wanted.", "Check that it was copied whole and try again.", true],
  held: ["Somebody has to decide on this first.", "Write a new record, or wait for your coordinator.", false],
};

/** Any refusal in words. What is no refusal is raised as it is. */
export function troubleOf(error: unknown): Trouble {
  if (!(error instanceof Refused)) throw error;
  const [what, doThis, again] = WORDS[error.code] ?? ["That did not work.", "Try again. If it does not help, ring your coordinator.", true];
  return new Trouble(error.code, what, sentence(error.message), doThis, again);
}

function sentence(words: string): string {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return text.endsWith(".") ? text : `${text}.`;
}

export async function inWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Refused ? troubleOf(error) : error;
  }
}
