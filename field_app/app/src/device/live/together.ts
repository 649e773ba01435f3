/** What is done together with others: the other side, the desk, colleagues in danger, away, locked out or gone. */
import type { Json } from "@fieldkeep/core/change";
import { Refused } from "@fieldkeep/core/errors";
import { agree, type AskedWords, withdraw, wordsAsked } from "@fieldkeep/device/agreeing";
import { whoCanHelp } from "@fieldkeep/device/boxes";
import { admit, type Held as DeviceHeld, letBegin, refuseHeld } from "@fieldkeep/device/held";
import { answer, answerWithShares, challenge, judge, requestIn } from "@fieldkeep/device/helping";
import { suspend } from "@fieldkeep/device/lost_phones";
import { drill, regrant } from "@fieldkeep/device/recovery";
import * as referring from "@fieldkeep/device/referrals";
import { ROLES } from "@fieldkeep/core/roles";
import { sync } from "@fieldkeep/device/sync";
import { acknowledgeAlert, type Alert, recordCall, standDown } from "@fieldkeep/device/urgent";
import * as writing from "@fieldkeep/device/writing";
import type { Value } from "../../forms/values";
import type { Across, Asking, AskingWords, CallMade, Colleague, Declining, DeviceView, Handover, Held, HeldRefusal, HelpAsked, LostAnswers, NewChange, OnDevice, Opened, Pack, PartLine, RecoveryView, Referral, UrgentAlert, UrgentNumber, WordsAsked } from "../facade";
import { acrossOf, ask, askWords, wordsWaiting } from "./across";
import { alertIn, openAlerts } from "./alerts";
import { idBytes, idText, toJson } from "./convert";
import { heldName, heldView } from "./holding";
import { devices, handovers, onDevice, putOnRecord } from "./others";
import { bodyOf, colleagues, packs, partLines, referrals } from "./referring";
import { bringBack, keysOf, openedView, recoveryView } from "./recovering";
import { toldOf } from "./telling";
import { inWords } from "./trouble";
import { liaisonOf, readRow, urgentNumbers, when } from "./visit";
import { Base } from "./base";

export abstract class Together extends Base {
  // --- across the wall -----------------------------------------------------------------------------------------------

  across(file: string): Promise<Across> {
    return inWords(async () => acrossOf(this.session, idBytes(file)));
  }

  instruct(file: string, asking: Asking): Promise<string> {
    return this.doing(() => ask(this.session, idBytes(file), asking));
  }

  askWords(file: string, asking: AskingWords): Promise<string> {
    return this.doing(() => askWords(this.session, idBytes(file), asking));
  }

  wordsWaiting(): Promise<readonly WordsAsked[]> {
    return this.read(wordsWaiting(this.session));
  }

  agreeTo(file: string, record: string): Promise<void> {
    return this.#inWordsAsked(file, record, async (one) => void (await agree(this.session, one)));
  }

  withdrawWords(file: string, record: string, why: string): Promise<void> {
    return this.#inWordsAsked(file, record, (one) => withdraw(this.session, one, why));
  }

  /** It goes with the sync that is asked for at once: what was taken back must not be sent elsewhere meanwhile. */
  #inWordsAsked(file: string, record: string, act: (one: AskedWords) => Promise<void>): Promise<void> {
    return this.doing(async () => {
      const one = wordsAsked(this.session, idBytes(file)).find((other) => idText(other.record) === record);
      if (one === undefined) throw new Refused("not-found", "that request is not on this phone any more");
      await act(one);
      void this.sync().catch(() => undefined);
    });
  }

  // --- referrals -----------------------------------------------------------------------------------------------------

  packs(): Promise<readonly Pack[]> {
    return this.read(packs(this.session));
  }

  matchPack(file: string, record: string): Promise<void> {
    return this.doing(async () => void (await referring.match(this.session, idBytes(file), idBytes(record))));
  }

  packIncomplete(file: string, record: string, missing: readonly string[], due: string): Promise<void> {
    return this.doing(async () => void (await referring.sayIncomplete(this.session, idBytes(file), idBytes(record), missing, due)));
  }

  partOf(file: string, record: string, values: Readonly<Record<string, Value>>): Promise<readonly PartLine[]> {
    return inWords(async () => {
      const pack = referring.packsIn(this.session).find((one) => idText(one.log) === file && idText(one.record.id) === record);
      if (pack === undefined) throw new Refused("not-found", "that referral is not on this phone");
      return partLines(this.session, pack, values);
    });
  }

  split(file: string, record: string, values: Readonly<Record<string, Value>>, kept: readonly string[]): Promise<void> {
    return this.doing(async () => void (await referring.split(this.session, idBytes(file), idBytes(record), bodyOf(values), kept)));
  }

  referrals(): Promise<readonly Referral[]> {
    return this.read(referrals(this.session));
  }

  colleagues(): Promise<readonly Colleague[]> {
    return Promise.resolve(colleagues(this.session));
  }

  beginFrom(file: string, record: string, members: readonly Colleague[]): Promise<string> {
    const named = members.flatMap(({ id, role: word }) => {
      const role = ROLES.find((one) => one === word);
      return role === undefined ? [] : [{ user: idBytes(id), role }];
    });
    return this.doing(async () => idText(await referring.beginFrom(this.session, idBytes(file), idBytes(record), named)));
  }

  declineReferral(file: string, record: string, declining: Declining): Promise<void> {
    return this.doing(async () => void (await referring.decline(this.session, idBytes(file), idBytes(record), declining)));
  }

  acknowledge(file: string, instruction: string, _how: string): Promise<void> {
    return this.doing(async () => {
      const liaison = liaisonOf(this.session, idBytes(file));
      if (liaison === undefined) throw new Refused("not-found", "words from partner support are not on this phone");
      await writing.edit(this.session, liaison, idBytes(instruction), [{ act: "add", field: "read_by", value: toJson(readRow(this.session)) }]);
    });
  }

  willTell(file: string, change: NewChange): Promise<readonly string[]> {
    return inWords(async () => toldOf(this.session, idBytes(file), change));
  }

  // --- danger --------------------------------------------------------------------------------------------------------

  urgentNumbers(): Promise<readonly UrgentNumber[]> {
    return Promise.resolve(urgentNumbers(this.session));
  }

  urgent(): Promise<readonly UrgentAlert[]> {
    return this.read(openAlerts(this.session));
  }

  acknowledgeAlert(file: string, record: string, how: string): Promise<void> {
    return this.#inAlert(file, record, (alert) => acknowledgeAlert(this.session, alert, how));
  }

  standDown(file: string, record: string, why: string): Promise<void> {
    return this.#inAlert(file, record, (alert) => standDown(this.session, alert, why));
  }

  recordCall(file: string, record: string, { call, spokeTo, readBack }: CallMade): Promise<void> {
    const said = new Map<string, Json>([["call", call]]);
    if (spokeTo.trim() !== "") said.set("spoke_to", spokeTo.trim());
    if (readBack) said.set("read_back", "yes");
    return this.#inAlert(file, record, (alert) => recordCall(this.session, alert, said));
  }

  #inAlert(file: string, record: string, act: (alert: Alert) => Promise<void>): Promise<void> {
    return this.doing(async () => {
      const alert = alertIn(this.session, file, record);
      if (alert === undefined) throw new Refused("not-found", "that alert is not on this phone any more");
      await act(alert);
      void this.sync().catch(() => undefined);
    });
  }

  // --- colleagues ----------------------------------------------------------------------------------------------------

  whoCanHelp(): Promise<readonly string[]> {
    return Promise.resolve(whoCanHelp(this.session, this.vault));
  }

  /** The server is asked for news first: who was kept out an hour ago may be the one who asks. */
  askedToHelp(request: string, withShares = false): Promise<HelpAsked> {
    return this.doing(async () => {
      const bytes = requestIn(request);
      await sync(this.session, this.transport, () => this.tell());
      const { device: { name, label, roles }, warnings } = judge(this.session, bytes, withShares);
      return { name, label, roles, warnings, readOut: await challenge(this.session, bytes) };
    });
  }

  help(request: string, readBack: string, shares?: readonly string[]): Promise<string> {
    return this.doing(async () => {
      const bytes = requestIn(request);
      if (shares === undefined) return answer(this.session, bytes, readBack);
      return answerWithShares(this.session, bytes, readBack, await keysOf(shares)); // a share that is wrong uses up no digits
    });
  }

  recovery(): Promise<RecoveryView> {
    return Promise.resolve(recoveryView(this.session));
  }

  drill(shares: readonly string[]): Promise<readonly Opened[]> {
    return this.doing(async () => {
      const tried = await drill(this.session, await keysOf(shares));
      void this.sync().catch(() => undefined);
      return tried.map((one) => openedView(this.session, one));
    });
  }

  /** News first: what somebody holds by now is not brought back. */
  bringBack(shares: readonly string[]): Promise<readonly Opened[]> {
    return this.doing(async () => {
      const keys = await keysOf(shares);
      await sync(this.session, this.transport, () => this.tell());
      return bringBack(this.session, keys, async () => void (await sync(this.session, this.transport, () => this.tell())));
    });
  }

  regrant(file: string): Promise<void> {
    return this.doing(() => regrant(this.session, idBytes(file)));
  }

  devices(): Promise<readonly DeviceView[]> {
    return Promise.resolve(devices(this.session));
  }

  onDevice(device: string): Promise<OnDevice> {
    return inWords(async () => onDevice(this.session, idBytes(device)));
  }

  handovers(): Promise<readonly Handover[]> {
    return this.read(handovers(this.session));
  }

  acceptHandover(file: string, record: string): Promise<void> {
    const row = toJson({ by: this.me.id, at: when(this.session.now()) });
    return this.doing(() => writing.edit(this.session, idBytes(file), idBytes(record), [{ act: "add", field: "accepted", value: row }]));
  }

  /** Kept out at the next sync, which is asked for at once. What was said goes on the desk's record, or stays on this phone for who reports it. */
  suspend(device: string, answers: LostAnswers): Promise<void> {
    return this.doing(async () => {
      await suspend(this.session, idBytes(device), answers.how);
      await putOnRecord(this.session, device, answers);
      await this.sync();
    });
  }

  // --- held work -----------------------------------------------------------------------------------------------------

  held(file: string): Promise<readonly Held[]> {
    return Promise.resolve((this.waiting.get(file) ?? []).map((one) => heldView(this.session, file, one)));
  }

  admit(file: string, held: string): Promise<void> {
    return this.#decideHeld(file, held, (one) => (one.begins === null ? admit(this.session, one) : letBegin(this.session, this.transport, one)));
  }

  refuse(file: string, held: string, reason: HeldRefusal): Promise<void> {
    return this.#decideHeld(file, held, (one) => refuseHeld(this.session, one, reason));
  }

  #decideHeld(file: string, held: string, decide: (one: DeviceHeld) => Promise<void>): Promise<void> {
    return this.doing(async () => {
      const one = this.waiting.get(file)?.find(({ entry }) => heldName(entry.id) === held);
      if (one === undefined) throw new Refused("not-found", "it was decided meanwhile");
      await decide(one);
      this.waiting.set(file, (this.waiting.get(file) ?? []).filter((other) => other !== one));
      await this.sync();
    });
  }
}
