/** The README's pictures, from the running app: `npm run pictures`. */
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { it } from "vitest";
import { PASSPHRASE, Phone } from "../test/e2e/phone";
import { Service } from "../test/e2e/service";

const FOLDER = fileURLToPath(new URL("../../../docs/pictures", import.meta.url));

it("the phone: a case, and before a visit", { timeout: 180_000 }, async () => {
  mkdirSync(FOLDER, { recursive: true });
  const service = await Service.begin();
  const sam = new Phone(service);
  await sam.on();
  await sam.join(service.invite("Sam", "navigator"));
  const file = service.aCase();
  service.run("ruth", "record", "add", "hazard", "--file", file, "--set", "kind=dog", "--set", "level=care", "--set", "two_workers=yes", "--set", "seen_on=2026-11-20");
  service.run("ruth", "sync");
  await sam.sync();
  await sam.page.getByRole("button", { name: "Case J. B.", exact: true }).click();
  await sam.press("New contact");
  await sam.press("Spoke");
  await sam.sees("Case J. B.");
  await sam.press("New note");
  await sam.page.getByLabel("Note", { exact: true }).fill("Met me at the door. No food in; left the parcel. Agrees to an assessment by telephone.");
  await sam.press("Save as a draft");
  await sam.sees("Case J. B.");
  await sam.page.screenshot({ path: `${FOLDER}/case.png` });
  await sam.press("Before you knock");
  await sam.page.waitForTimeout(500);
  await sam.page.screenshot({ path: `${FOLDER}/before-you-knock.png` });
  await sam.end();
  await service.end();
});

it("the supervisor's console", { timeout: 180_000 }, async () => {
  const service = await Service.begin();
  service.enrol("Sam", "navigator");
  service.enrol("Priya", "navigator");
  const file = service.aCase();
  for (const [who, words] of [["sam", "Dropped off a food parcel."], ["ruth", "Rang the housing officer."], ["sam", "He missed the appointment."]] as const) {
    service.run(who, "sync");
    service.run(who, "record", "add", "case_note", "--file", file, "--set", `body=${words}`);
    service.run(who, "sync");
  }
  const farah = new Phone(service);
  await farah.on();
  await farah.page.setViewportSize({ width: 1280, height: 900 });
  const { page } = farah;
  await farah.sees("Choose a passphrase");
  for (const box of await page.getByRole("textbox").all()) await box.fill(PASSPHRASE);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByLabel("Invitation").fill(String(service.run("office/oversight-administrator", "invite", "--name", "Farah", "--role", "supervisor_perpetrator")["code"]));
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: /^Join as/ }).click();
  await farah.sees("Sync health");
  await page.getByRole("button", { name: "Check what is new" }).click();
  await page.getByText(/Verified to checkpoint/).first().waitFor({ timeout: 60_000 });
  await page.getByRole("navigation", { name: "Main" }).getByRole("button", { name: "Audit" }).click();
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${FOLDER}/console.png` });
  await farah.end();
  await service.end();
});
