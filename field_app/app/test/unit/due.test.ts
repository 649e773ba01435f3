/** Words of what is due: every rule has some, and days are told as people say them. */
import { RULES } from "@fieldkeep/core/due/due";
import { describe, expect, it } from "vitest";
import type { OrderRuns, RequestStands } from "../../src/device/facade";
import { recordType } from "../../src/forms/schema";
import { calledWords, dayWords, orderWords, requestWords } from "../../src/screens/due_words";
import { countWords } from "../../src/screens/words";

describe("the rules", () => {
  it("name what there is: a renamed field would be due never", () => {
    for (const { type, field, rows, what, owner, over, newest = [] } of RULES) {
      const fields = recordType(type)?.fields ?? [];
      const cells = rows === undefined ? fields : (fields.find((one) => one.name === rows)?.cells ?? []);
      const names = [field, what, owner, over].filter((one) => one !== undefined);
      expect([type, names.filter((name) => !cells.some((one) => one.name === name))]).toEqual([type, []]);
      expect(cells.find((one) => one.name === field)?.kind).toBe("date");
      for (const name of newest) expect(fields.some((one) => one.name === name), `${type}.${name}`).toBe(true);
    }
  });

  it("have words of their own", () => {
    const words = RULES.map(({ type, field }) => calledWords(`${type}.${field}`));
    expect(new Set(words).size).toBe(RULES.length);
    expect(words.filter((one) => /[._]/.test(one))).toEqual([]);
  });
});

describe("days", () => {
  it("are told from today", () => {
    expect(dayWords({ day: "2026-11-22", days: -1 })).toBe("1 day overdue: it was due on Sunday 22 November 2026");
    expect(dayWords({ day: "2026-11-23", days: 0 })).toBe("Today");
    expect(dayWords({ day: "2026-11-24", days: 1 })).toBe("Tomorrow, Tuesday 24 November 2026");
    expect(dayWords({ day: "2026-11-30", days: 7 })).toBe("In 7 days, on Monday 30 November 2026");
  });

  it("are counted on home", () => {
    expect(countWords({ overdue: 0, today: 0 })).toBe("Nothing overdue, nothing for today.");
    expect(countWords({ overdue: 2, today: 0 })).toBe("2 overdue.");
    expect(countWords({ overdue: 0, today: 1 })).toBe("1 for today.");
  });
});

describe("requests and orders", () => {
  it("say what to do next", () => {
    const request: RequestStands = { state: "chased", chases: 1, next: "chase", on: "2026-11-24" };
    expect(requestWords(request)).toBe("Chased once. Chase it on 24 November 2026.");
    expect(requestWords({ ...request, chases: 2, next: "escalate" })).toBe("Chased twice. You may take it further, or chase it again on 24 November 2026.");
    expect(requestWords({ ...request, chases: 0, on: undefined })).toBe("Chase it.");
    expect(requestWords({ ...request, next: "answer" })).toBe("They asked us: an answer is ours to give.");
  });

  it("say how long is left, and what is not known", () => {
    const order: OrderRuns = {
      file: "", record: "", title: "", kind: "", state: "running", earliest: "2026-11-25T14:00", latest: "2026-11-25T14:00", hoursLeft: 1, unsure: false, doNotRaise: false,
    };
    expect(orderWords(order)).toBe("Ends at 14:00 on 25 November 2026: 1 hour left.");
    expect(orderWords({ ...order, hoursLeft: 0 })).toContain("less than an hour left");
    expect(orderWords({ ...order, hoursLeft: 71 })).toContain("71 hours left");
    expect(orderWords({ ...order, hoursLeft: 73 })).toContain("3 days left");
    expect(orderWords({ ...order, latest: "2026-12-01T00:00" })).toContain("between 14:00 on 25 November 2026 and the end of 30 November 2026");
    expect(orderWords({ ...order, state: "maybe_over" })).toContain("It may be over");
    expect(orderWords({ ...order, state: "over" })).toBe("Over since 14:00 on 25 November 2026.");
    expect(orderWords({ ...order, state: "not_served", earliest: undefined })).toContain("not served");
    expect(orderWords({ ...order, state: "not_known", earliest: undefined })).toBe("Its end is not known.");
  });
});
