/** What is due: in which order, done by one key and undone by the next, and a task that is added from there. */
import { describe, expect, it } from "vitest";
import { violations } from "./axe";
import { byKey, heading, page, phones, press, setUp, whatIsDue } from "./phone";

phones();

/** The lists, each under its heading. */
const lists = (): Promise<readonly (readonly [string, readonly string[]])[]> =>
  page.locator("main section").evaluateAll((sections) =>
    sections.map((one) => [one.querySelector("h2")?.textContent ?? "", [...one.querySelectorAll("li > button:first-child")].map((button) => button.firstChild?.textContent ?? "")] as const),
  );
const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? "");

describe("what is due", () => {
  it("stands on home as two numbers, and no word of what it is", async () => {
    await setUp();
    const line = page.locator("p", { hasText: "What is due" });
    expect((await line.innerText()).trim()).toBe("What is due: 2 overdue, 1 for today.");
    expect(await page.locator("main").innerText()).not.toContain("food bank");
  });

  it("is told by day, one's own alone unless everybody's is asked for", async () => {
    await setUp();
    await whatIsDue();
    expect(await lists()).toEqual([
      ["Overdue", ["Police", "Ring the food bank"]],
      ["Today", ["Write to the court"]],
      ["In the next 7 days", ["Ask about the keys"]],
      ["Later", ["Book the room", "Review of the plan for one’s own safety"]],
      ["Orders", ["Non-molestation order"]],
    ]);
    const text = await page.locator("main").innerText();
    expect(text).toContain("3 days overdue: it was due on Friday 20 November 2026");
    expect(text).toContain("In 3 days, on Thursday 26 November 2026");
    expect(text).toContain("Chase it on 18 November 2026.");
    expect(text).toMatch(/Ends at the end of 1 March 2027: 98 days left\.\s+Do not raise/i);
    await byKey(/^Show everybody/);
    await page.getByText("Thank the school").first().waitFor();
    expect(await page.locator(".app-card", { hasText: "Thank the school" }).innerText()).toContain("Task · M.O. · 0422 · Priya Nair");
    await byKey(/^Show only what is yours/);
    await page.getByText("Thank the school").first().waitFor({ state: "detached" });
  });

  it("leads to the record", async () => {
    await setUp();
    await whatIsDue();
    await press(/^Ring the food bank/);
    await heading("Task");
  });

  it("is done with one key and undone with the next, where it was", async () => {
    await setUp();
    await whatIsDue();
    await byKey(/^Done Ring the food bank/);
    const card = page.locator(".app-card", { hasText: "Ring the food bank" });
    await card.getByRole("button", { name: /^Undo/ }).waitFor();
    expect(await focused()).toBe("Undo Ring the food bank");
    expect(await page.getByRole("status").first().innerText()).toBe("Done: Ring the food bank. You can undo it.");
    expect((await lists())[0]).toEqual(["Overdue", ["Police", "Ring the food bank"]]);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press("Enter");
    await card.getByRole("button", { name: /^Done/ }).waitFor();
    expect(await focused()).toBe("Done Ring the food bank");
    const states = await page.evaluate(() => screens.device.wrote.map(({ changes }) => changes.flatMap(({ edits }) => edits.map(({ value }) => value))));
    expect(states).toEqual([["done"], ["open"]]);
  });

  it("is gone when it is done and the screen was left, and home counts one less", async () => {
    await setUp();
    await whatIsDue();
    await press(/^Done Ring the food bank/);
    await page.getByRole("button", { name: /^Undo/ }).waitFor();
    await press("Back");
    await page.getByText("1 overdue, 1 for today.").waitFor();
    await press("What is due");
    await page.getByText("Write to the court").first().waitFor();
    expect(await page.getByText("Ring the food bank").count()).toBe(0);
  });

  it("stays open, and says why, when what was pressed could not be kept", async () => {
    await setUp();
    await whatIsDue();
    await page.evaluate(() => {
      screens.device.write = () => Promise.reject(new Error("no room"));
    });
    await press(/^Done Ring the food bank/);
    await page.getByText("Something went wrong in the app.").waitFor();
    expect(await page.getByRole("button", { name: /^Undo/ }).count()).toBe(0);
    await page.evaluate(async () => {
      Reflect.deleteProperty(screens.device, "write"); // there is room again, and a colleague puts it off
      const item = (await screens.device.due(false)).find(({ what }) => what === "Ring the food bank");
      if (item === undefined) throw new Error("it is not due any more");
      await screens.device.write(item.file, [{ type: "task", record: item.record, edits: [{ act: "set", field: "due", value: "2027-05-01" }], act: "save" }]);
    });
    await page.getByText("Ring the food bank").first().waitFor({ state: "detached" });
    expect(await page.getByRole("button", { name: /^Undo/ }).count()).toBe(0);
  });

  it("takes a new task with its day, and comes back to the list", async () => {
    await setUp();
    await whatIsDue();
    await page.getByText("Add a task").click();
    await press("For M.O. · 0422");
    await heading("New task");
    await page.getByLabel("What", { exact: true }).fill("Return the keys");
    for (const [box, text] of [["Day", "24"], ["Month", "11"], ["Year", "2026"]] as const) await page.getByRole("group", { name: "Due" }).getByLabel(box, { exact: true }).fill(text);
    await press("Save");
    await heading("What is due");
    await page.getByText("Return the keys").first().waitFor();
    expect((await lists())[2]).toEqual(["In the next 7 days", ["Return the keys", "Ask about the keys"]]);
    expect(await page.getByText("Tomorrow, Tuesday 24 November 2026").count()).toBe(1);
  });

  it("shows nothing of it when it is hidden", async () => {
    await setUp();
    await whatIsDue();
    await press("Hide now");
    await page.getByText("You have no notes yet.").waitFor();
    expect(await page.content()).not.toMatch(/food bank|overdue/);
  });
});
