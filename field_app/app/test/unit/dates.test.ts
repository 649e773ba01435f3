/** src/forms/dates.ts and money.ts: what people type. */
import { describe, expect, it } from "vitest";
import { readDate, readTime, readWhen } from "../../src/forms/dates";
import { pounds, poundsBox, readPounds } from "../../src/forms/money";

const date = (day: string, month: string, year: string, yearIsEnough = false): unknown => readDate({ day, month, year }, "Born", yearIsEnough);
const when = (day: string, month: string, year: string, time = "", about = false): unknown =>
  readWhen({ day, month, year, time, about }, "When");

describe("a day", () => {
  it("is a day that the calendar has", () => {
    expect(date("29", "2", "2024")).toEqual({ value: "2024-02-29" });
    expect(date("29", "2", "2026")).toEqual({ wrong: "Born must be a real date", box: "day" });
    expect(date("1", "13", "2026")).toEqual({ wrong: "Born must be a real date", box: "month" });
    expect(date("0", "1", "2026")).toEqual({ wrong: "Born must be a real date", box: "day" });
  });
  it("may have its month by name", () => {
    expect([date("7", "sept", "1999"), date("7", "September", "1999")]).toEqual([{ value: "1999-09-07" }, { value: "1999-09-07" }]);
  });
  it("is whole, but for a year of birth", () => {
    expect(date("", "", "1987", true)).toEqual({ value: "1987" });
    expect(date("", "", "1987")).toEqual({ wrong: "Born must include a month", box: "month" });
    expect(date("", "3", "1987", true)).toEqual({ wrong: "Born must include a day", box: "day" });
    expect(date("3", "", "1987", true)).toEqual({ wrong: "Born must include a month", box: "month" });
    expect(date("3", "3", "")).toEqual({ wrong: "Born must include a year", box: "year" });
    expect(date("3", "3", "87")).toEqual({ wrong: "The year of “Born” must have 4 numbers", box: "year" });
    expect(date("", "", "")).toBe(undefined);
  });
});

describe("a time", () => {
  it("is taken as people write it", () => {
    const times = ["14:05", "14.05", "1405", "2.05pm", "2:05 PM", "2pm", "14", "12am", "12pm", "7"];
    expect(times.map((text) => readTime(text)).map((time) => time && [time.hour, time.minute])).toEqual([
      [14, 5], [14, 5], [14, 5], [14, 5], [14, 5], [14, undefined], [14, undefined], [0, undefined], [12, undefined], [7, undefined],
    ]);
  });
  it("is none otherwise", () => {
    for (const text of ["24:00", "14:60", "13pm", "0am", "2:5", "noon", "-1", "14:05:06"]) expect(readTime(text), text).toBe(undefined);
  });
});

describe("a moment", () => {
  it("is as precise as what was typed", () => {
    expect(when("", "", "2026")).toEqual({ value: { at: "2026", precision: "year" } });
    expect(when("", "3", "2026")).toEqual({ value: { at: "2026-03", precision: "month" } });
    expect(when("5", "3", "2026")).toEqual({ value: { at: "2026-03-05", precision: "day" } });
    expect(when("5", "3", "2026", "2pm")).toEqual({ value: { at: "2026-03-05T14", precision: "hour" } });
    expect(when("5", "3", "2026", "14:30")).toEqual({ value: { at: "2026-03-05T14:30", precision: "minute" } });
    expect(when("5", "3", "2026", "14:30", true)).toEqual({ value: { at: "2026-03-05T14:30", precision: "about" } });
  });
  it("has no time without its day", () => {
    expect(when("", "3", "2026", "14:30")).toEqual({ wrong: "When must include a day, because it has a time", box: "day" });
    expect(when("", "", "", "14:30")).toEqual({ wrong: "When must include a day, a month and a year", box: "day" });
  });
});

describe("money", () => {
  it("is whole pence, exactly", () => {
    const typed = ["12", "12.5", "12.50", "£1,234.56", "0.01", "10000000", "0.29", "1.10", "4.35"];
    expect(typed.map(readPounds)).toEqual([1200, 1250, 1250, 123_456, 1, 1_000_000_000, 29, 110, 435]);
  });
  it("is no amount otherwise", () => {
    for (const text of ["0", "0.00", "-1", "1.234", "12,34", "1e3", "ten", "10000000.01", ".5", "5.", "١"]) expect(readPounds(text), text).toBe(undefined);
  });
  it("comes back as it was, for every number of pence", () => {
    for (let pence = 1; pence < 20_000; pence += 1) expect(readPounds(poundsBox(pence))).toBe(pence);
    expect([pounds(123_456), pounds(1_200), pounds(-50), pounds(100_000_000)]).toEqual(["£1,234.56", "£12", "−£0.50", "£1,000,000"]);
  });
});
