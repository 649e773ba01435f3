/** What is proposed for two texts in conflict keeps what each person wrote, and invents nothing. */
import { describe, expect, test } from "vitest";
import { mergeWords, withSide } from "../src/words";
import { numbers } from "./fold/histories";

const BASE = "He was calm at the door. He asked about the children. We agreed to speak on Friday.";

describe("merging words", () => {
  test("two changes in different places are both in the proposal", () => {
    const a = BASE.replace("calm", "calm and polite");
    const b = BASE.replace("Friday", "Monday");
    expect(mergeWords(BASE, a, b).proposal).toBe(
      "He was calm and polite at the door. He asked about the children. We agreed to speak on Monday.",
    );
  });

  test("the same place changed by both is for a person to decide", () => {
    const merged = mergeWords(BASE, BASE.replace("Friday", "Monday"), BASE.replace("Friday", "Tuesday"));
    expect(merged.proposal).toBeNull();
    expect(merged.pieces.filter(({ kind }) => kind === "clash")).toEqual([
      { kind: "clash", was: "Friday", a: "Monday", b: "Tuesday" },
    ]);
    expect(withSide(merged, "b")).toBe(BASE.replace("Friday", "Tuesday"));
  });

  test("what both changed alike is changed once", () => {
    const both = BASE.replace("calm", "angry");
    const merged = mergeWords(BASE, both, both.replace("Friday", "Monday"));
    expect(merged.proposal).toBe(both.replace("Friday", "Monday"));
    expect(merged.pieces.filter((one) => one.kind === "changed").map(({ by }) => by)).toEqual(["both", "b"]);
  });

  test("two additions at one place clash: nobody knows which comes first", () => {
    expect(mergeWords(BASE, `${BASE} He rang.`, `${BASE} She rang.`).proposal).toBeNull();
  });

  test("what one removed and the other changed clashes", () => {
    expect(
      mergeWords(BASE, BASE.replace(" He asked about the children.", ""), BASE.replace("children", "boys")).proposal,
    ).toBeNull();
  });

  test("without what they began from, what both kept stands and the rest clashes or is added", () => {
    const merged = mergeWords(null, "We met at noon.", "We met at noon. He left.");
    expect(merged.proposal).toBe("We met at noon. He left.");
    expect(mergeWords(null, "We met at noon.", "We met at one.").proposal).toBeNull();
  });

  test("other scripts, accents and emoji are words too", () => {
    const base = "Zażółć gęślą jaźń 🦊 ok";
    expect(mergeWords(base, base.replace("ok", "dobrze"), base.replace("Zażółć", "Nie")).proposal).toBe(
      "Nie gęślą jaźń 🦊 dobrze",
    );
  });

  test("either side is in the pieces whole, whatever was typed", () => {
    const words = ["a", "b", "c", " ", " ", ".", "\n", "é", "🦊"];
    for (let seed = 1; seed <= 300; seed++) {
      const next = numbers(seed);
      const text = (): readonly string[] => Array.from({ length: next(14) }, () => words[next(words.length)] ?? "");
      const base = text();
      const edit = (): string => {
        if (next(3) === 0) return text().join("");
        return [
          ...base.slice(0, next(base.length + 1)),
          ...text().slice(0, 3),
          ...base.slice(next(base.length + 1)),
        ].join("");
      };
      const [a, b] = [edit(), edit()];
      const merged = mergeWords(base.join(""), a, b);
      for (const who of ["a", "b"] as const) {
        const rebuilt = merged.pieces.map((one) => {
          if (one.kind === "same") return one.text;
          if (one.kind === "clash") return one[who];
          return one.by === "both" || one.by === who ? one.text : one.was;
        });
        expect(rebuilt.join("")).toBe(who === "a" ? a : b);
      }
    }
  });

  test("two long texts that have nothing in common take no time", () => {
    const long = (word: string): string => Array.from({ length: 3000 }, (_, i) => `${word}${i}`).join(" ");
    const started = performance.now();
    expect(mergeWords(long("x"), long("y"), long("z")).proposal).toBeNull();
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
