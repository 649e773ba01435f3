/** Danger, on a phone and at a laptop: who has an alert, and that another person ends it. Real browser, real server. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { overflow, violations } from "../browser/axe";
import { Phone } from "./phone";
import { Service } from "./service";

interface Listed {
  readonly alert: string;
  readonly state: string;
  readonly open: boolean;
  readonly calls: readonly string[];
}

let service: Service;
let sam: Phone;
let file: string;

beforeAll(async () => {
  service = await Service.begin();
  sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  file = service.aCase();
  await sam.sync();
}, 240_000);

afterAll(async () => {
  await sam.end();
  await service.end();
});

function listed(): readonly Listed[] {
  service.run("ruth", "sync");
  return service.run("ruth", "urgent", "list", "--all")["alerts"] as readonly Listed[];
}

async function urgent(): Promise<void> {
  await sam.page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Urgent" }).click();
  await sam.sees("Somebody is in danger");
}

describe("an alert that Sam raised on his phone", () => {
  it("waits for somebody, and he cannot end it himself", async () => {
    await urgent();
    await sam.press("In Case J. B.");
    await sam.page.getByLabel("Says he will go to her").check();
    await sam.page.getByLabel("Partner", { exact: true }).check();
    await sam.press("Save"); // nobody was rung yet: that comes afterwards
    await sam.sees("Case J. B.");
    await sam.home();
    await sam.shows("Nobody has it yet");
    await urgent();
    const card = sam.page.locator(".app-card", { hasText: "Says he will go to her" });
    expect(await card.getByRole("button", { name: /^Stand it down|^I have it/ }).count()).toBe(0);
    await card.getByRole("button", { name: /^I rang somebody/ }).click();
    await card.getByLabel("999").check();
    await card.getByLabel("They read back what I said").check();
    await card.getByRole("button", { name: "Put it on record" }).click();
    await card.getByText(/Rung: 999/).waitFor();
    expect(await violations(sam.page)).toEqual([]);
    expect(await overflow(sam.page)).toBeLessThanOrEqual(0);
    await sam.sync();
    expect(listed().map(({ state, calls }) => [state, calls])).toEqual([["nobody has it yet", ["emergency_999"]]]);
  });

  it("after ten minutes says whom to ring next", async () => {
    await service.stop(); // which would put the phone's clock right
    await sam.page.clock.install();
    await sam.page.clock.fastForward(11 * 60_000);
    await sam.unlock();
    await urgent();
    await sam.shows("Ten minutes without an answer");
    await service.start();
    await sam.off();
    await sam.on();
    await sam.unlock();
  });

  it("shows who acknowledged it at a laptop, and is gone when a colleague has stood it down", async () => {
    const [one] = listed();
    service.run("ruth", "urgent", "acknowledge", one?.alert ?? "", "--how", "acting");
    await sam.sync();
    await sam.shows("Ruth has it");
    await urgent();
    await sam.shows(/Ruth has it: acting on it/);
    service.run("ruth", "urgent", "stand-down", one?.alert ?? "", "--why", "the police have arrested him");
    await sam.sync();
    expect(await sam.text()).not.toMatch(/Says he will go to her/);
  });
});

describe("an alert that Ruth raised at her laptop", () => {
  it("is acknowledged and stood down on the phone, by somebody else than her", async () => {
    service.run("ruth", "urgent", "raise", "--file", file, "--what", "weapon", "--at-risk", "partner");
    await sam.sync();
    await urgent();
    const card = sam.page.locator(".app-card", { hasText: "Weapon" });
    await card.getByRole("button", { name: /^I have it/ }).click();
    await card.getByLabel("Police informed").check();
    await card.getByRole("button", { name: "Acknowledge it" }).click();
    await card.getByText("Sam has it").waitFor();
    await sam.sync();
    expect(listed().find(({ open }) => open)?.state).toBe("acknowledged");
    await urgent();
    await card.getByRole("button", { name: /^Stand it down/ }).click();
    await card.getByLabel("Why is it over?").fill("Nobody was there, and the police were.");
    await card.getByRole("button", { name: "Stand it down" }).click();
    await card.waitFor({ state: "detached" });
    await sam.sync();
    expect(listed().filter(({ open }) => open)).toEqual([]);
    await service.stop();
    expect(sam.foreign).toEqual([]);
  });
});
