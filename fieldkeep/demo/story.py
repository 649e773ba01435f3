"""The play itself: people and events follow published case studies of such services (names were changed by their authors)."""

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import typer

from fieldkeep.demo import doors
from fieldkeep.demo.mast import Mast
from fieldkeep.demo.stage import PASSPHRASE, Device, Failed, Server, search

Say = Callable[[str], None]
PEOPLE: Final = {
    # device: (person, roles, side, second device)
    "ruth-laptop": ("Ruth", ("coordinator", "fund_holder"), "perpetrator", False),
    "sam-phone": ("Sam", ("navigator",), "perpetrator", False),
    "sam-tablet": ("Sam", ("navigator",), "perpetrator", True),
    "priya-phone": ("Priya", ("navigator",), "perpetrator", False),
    "dana-phone": ("Dana", ("link_worker", "referral_desk"), "victim", False),
}
NOTE_JACK: Final = "Jack met me at the door. No money and no food in; left the parcel. He agrees to an assessment by telephone."
NOTE_TABLET: Final = "Started the Universal Credit form with Jack by telephone from the car park."
WHY: Final = "his former partner moves on Friday"
NOTE_CHERYL: Final = "Cheryl is frightened of Robert's temper and torn about protecting him. She will keep a diary of what happens."


class Play:
    """One performance in a folder of its own."""

    def __init__(self, folder: Path, port: int, say: Say) -> None:
        self.folder, self.say = folder, say
        self.summary: dict[str, Any] = {}
        secret = folder / "passphrase"
        secret.write_text(PASSPHRASE + "\n", encoding="utf-8")
        secret.chmod(0o600)
        self._secret = secret
        say("A server starts on embedded SQLite, one database per side.")
        self.server = Server(folder / "server", port)
        self.masts: list[Mast] = []
        self.devices: dict[str, Device] = {}
        self.office: dict[str, Device] = {}
        self.files: dict[str, str] = {}

    def play(self) -> dict[str, Any]:
        """All scenes, in order; the summary."""
        started = time.monotonic()
        for number, scene in enumerate(
            (self.begin, self.files_begin, self.visit, self.no_signal, self.reconcile, self.decide, self.money, self.crossing, self.wall), 1
        ):
            self.say(f"\n{number}. {(scene.__doc__ or '').strip()}")
            scene()
        self.summary |= {"ok": True, "people": 4, "devices": len(self.devices), "address": self.server.address, "folder": str(self.folder)}
        self.summary |= {"server_alive_at_end": self.server.alive, "seconds": round(time.monotonic() - started, 1)}
        return self.summary

    def _device(self, name: str) -> Device:
        return Device(name, self.folder / "devices" / name, self._secret)

    # --- scenes ------------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The programme office creates the service and invites four people with five devices."""
        office = self.folder / "office"
        setup = self._device("setup").run(
            "service", "create", "--server", self.server.address, "--setup", self.server.found["setup_code"], "--name", "Tees partnership", "--out", str(office)
        )  # fmt: skip
        for side in ("perpetrator", "victim", "oversight"):
            self.office[side] = Device(f"{side} administrator", office / f"{side}-administrator", self._secret)
        self.say(f"   The service's authority has the fingerprint {setup['authority'][:16]}…; every device pins it.")
        for name, (person, roles, side, second) in PEOPLE.items():
            mast = Mast(self.server.where)
            self.masts.append(mast)
            device = self.devices[name] = self._device(name)
            device.mast = mast
            self._enrol(device, person, roles, side, mast.address, second=second)
            self.say(f"   {person} enrols {name.replace('-', ' ')} on the {side} side as {' and '.join(roles).replace('_', ' ')}.")
        for side in ("perpetrator", "victim"):
            auditor = self.office[f"auditor-{side}"] = self._device(f"auditor-{side}")
            self._enrol(auditor, f"Auditor {side}", (f"supervisor_{side}",), "oversight", self.server.address)
        self.say("   Two auditors are enrolled, one for each side. They hold no content key.")

    def _enrol(self, device: Device, person: str, roles: tuple[str, ...], side: str, address: str, *, second: bool = False) -> None:
        words = ["invite", "--name", person, "--server", address, *(["--second-device"] if second else [])]
        for role in roles:
            words += ["--role", role]
        code = self.office[side].run(*words)["code"]
        device.run("device", "enrol", code, "--label", device.name)
        self.office[side].run("sync")

    def files_begin(self) -> None:
        """Ruth begins the files: Jack's case, Mike's shared care, the fund; Sam the plan that he makes with Mike. Dana begins Cheryl's, on the other side."""
        ruth, dana = self.devices["ruth-laptop"], self.devices["dana-phone"]
        ruth.run("sync")
        team = ["--member", "Sam=navigator", "--member", "Priya=navigator"]
        self.files["jack"] = ruth.run("file", "create", "case", *team)["file"]
        self.files["mike"] = ruth.run("file", "create", "shared_care", *team)["file"]
        self.files["fund"] = ruth.run("file", "create", "fund", *team)["file"]
        self.files["cheryl"] = dana.run("file", "create", "case")["file"]
        self.files["jane, as one who uses abuse"] = self.devices["priya-phone"].run("file", "create", "case")["file"]
        self.files["jane, as one who is harmed"] = dana.run("file", "create", "case")["file"]
        ruth.run(
            "record", "add", "person", "--file", self.files["jack"], "--set", "known_as=Jack", "--set", 'names={"name": "Jack", "kind": "given"}'
        )
        dana.run("record", "add", "person", "--file", self.files["cheryl"], "--set", "known_as=Cheryl")
        ruth.run("fund", "allot", "500", "--funder", "OPCC", "--period", "2026-27")
        phone = next(one["device"] for one in ruth.run("device", "list")["devices"] if one["label"] == "sam-phone")
        ruth.run("fund", "allot", "60", "--to", "Sam", "--device", phone, "--until", "2027-03-31")
        for name in ("ruth-laptop", "sam-phone"):
            self._sync(name)
        self._begin_plan(self.devices["sam-phone"])
        for name in self.devices:
            self._sync(name)
        self.say("   £500 is in the fund; Sam's phone may spend £60 of it without asking anybody.")
        self.say("   Jane hit Keith once and was hit by him for years. She has a file on each side, with a worker each, and nothing links the two.")
        self.say("   Robert never answered. That does not keep Dana from supporting Cheryl: her file needs nobody on the other side.")

    def _begin_plan(self, sam: Device) -> None:
        plan = sam.run("record", "add", "own_safety_plan", "--file", self.files["mike"], "--set", "likely_to_use=5", "--set", "review_on=2027-01-15")
        self.files["plan"] = plan["record"]

    def visit(self) -> None:
        """The masts go down. Everyone works on: notes, a food parcel, and two people change Mike's safety plan at once."""
        for mast in self.masts:
            mast.down()
        sam, tablet, priya, dana = (self.devices[name] for name in ("sam-phone", "sam-tablet", "priya-phone", "dana-phone"))
        me = next(one["user"] for one in sam.run("device", "list")["devices"] if one["this"])
        sam.run(
            "record", "add", "contact", "--file", self.files["jack"], "--set", "mode=home_visit", "--set", "result=spoke", "--set", "direction=to_them",
            "--set", "with=client", "--set", f"workers={me}",
        )  # fmt: skip
        note = sam.run("note", "add", "--file", self.files["jack"], NOTE_JACK)
        sam.run(
            "spend", "add", "14.20", "--file", self.files["jack"], "--item", "food parcel", "--payee", "corner shop", "--category", "food",
            "--barrier", "debt", "--no-receipt", "none_given",
        )  # fmt: skip
        tablet.run("note", "add", "--file", self.files["jack"], NOTE_TABLET)
        sam.run("record", "edit", self.files["plan"], "--set", "likely_to_use=7")
        priya.run("record", "edit", self.files["plan"], "--set", "likely_to_use=3")
        dana.run("note", "add", "--file", self.files["cheryl"], NOTE_CHERYL)
        dana.run(
            "record",
            "add",
            "safe_contact",
            "--file",
            self.files["cheryl"],
            "--set",
            "may_we_contact=yes",
            "--set",
            "voicemail=no",
            "--set",
            "say_we_are=the library",
        )
        self.files["note"] = note["record"]
        self.say("   Sam: a contact, a note on Jack and a food parcel for £14.20, within his allowance. On the tablet, a second note.")
        self.say("   Sam thinks Mike is likelier to use his plan (7 of 10); Priya, who saw him too, thinks 3.")
        self.say("   Dana: a note and how Cheryl can safely be reached.")

    def no_signal(self) -> None:
        """Sam tries to send from the car park. There really is no connection."""
        status, answer = self.devices["sam-phone"].attempt("sync")
        waiting = self.devices["sam-phone"].run("status")["unsent"]
        if status != 1 or answer["error"]["code"] != "offline":
            raise Failed(f"a sync without a connection answered {answer}")
        self.say(f"   {answer['error']['code']}: {answer['error']['message']}")
        self.say(f"   {waiting} changes wait, sealed, on the phone.")
        self.summary["unsent_offline"] = waiting

    def reconcile(self) -> None:
        """Signal again. Everyone syncs; each change gets a signed receipt."""
        for mast in self.masts:
            mast.up()
        receipts = sum(self._sync(name) for name in [*self.devices, *self.devices])
        self.summary["receipts"] = receipts
        hits = search(self.folder / "server", [NOTE_JACK, NOTE_TABLET, NOTE_CHERYL, "likely_to_use", "food parcel"])
        planted = self.folder / "server" / "planted.txt"
        planted.write_text(f"leak: {NOTE_JACK}", encoding="utf-8")
        found = search(self.folder / "server", [NOTE_JACK])
        planted.unlink()
        self.say(f"   The server's folder is searched for the words that were written: {hits} files hold any (a planted leak is found: {found}).")
        self.summary["canary_hits"], self.summary["planted_leak_found"] = hits, found == 1
        if hits or found != 1:
            raise Failed("the server's folder holds words that it must not, or the search does not work")

    def _sync(self, name: str) -> int:
        answer = self.devices[name].run("sync")
        for receipt in answer["receipts"]:
            kind = next((known for known, file in self.files.items() if file == receipt["file"]), "file")
            self.say(f"   receipt for {name}: {kind}, entry {receipt['seq']}, id {receipt['entry'][:12]}…")
        if answer["contradictions"] or answer["unsent"]:
            raise Failed(f"{name}: {answer}")
        return len(answer["receipts"])

    def decide(self) -> None:
        """The plan is in conflict: both values are shown, a person decides, and the decision is a signed record."""
        priya = self.devices["priya-phone"]
        [conflict] = priya.run("conflicts", "list")["conflicts"]
        for value in conflict["values"]:
            stamp = time.strftime("%d %b %H:%M", time.gmtime(value["claimed_ms"] / 1000))
            self.say(f"   {conflict['type']}.{conflict['field']}: {value['value']} says {value['by']}, {stamp} UTC, entry {value['seq']}")
        status, answer = priya.attempt("record", "edit", self.files["plan"], "--set", "likely_to_use=5")
        self.say(f"   A plain edit cannot settle it: {answer['error']['code']} (exit {status}).")
        chosen, reason = min(conflict["choices"]), "rang Mike together; the cautious value stands"
        choice = str(conflict["choices"].index(chosen) + 1)
        priya.run("conflicts", "resolve", self.files["plan"], "likely_to_use", "--choose", choice, "--reason", reason)
        for name in [*self.devices, *self.devices]:
            self._sync(name)
        left = {name: len(device.run("conflicts", "list")["conflicts"]) for name, device in self.devices.items()}
        hashes = {
            name: {row["file"]: row["state_hash"] for row in device.run("file", "list", "--hash")["files"]} for name, device in self.devices.items()
        }
        per_file: dict[str, set[str]] = {}
        for files in hashes.values():
            for file, value in files.items():
                per_file.setdefault(file, set()).add(value)
        equal = all(len(values) == 1 for values in per_file.values())
        stands = {
            self.devices[name].run("record", "show", self.files["plan"])["fields"]["likely_to_use"]["value"] for name in ("priya-phone", "sam-phone")
        }
        self.say(f"   Priya keeps {chosen} and says why: {reason}. On both phones it is now {' and '.join(map(str, stands))}.")
        self.say(f"   Conflicts left on any device: {sum(left.values())}.")
        for kind in ("jack", "mike", "fund"):
            self.say(
                f"   state hash of {kind} on {sum(int(self.files[kind] in files) for files in hashes.values())} devices: {min(per_file[self.files[kind]])[:16]}…"
            )
        self.say(f"   All devices that hold a file show the same: {'yes' if equal else 'NO'}.")
        self.summary |= {
            "conflict": {"field": conflict["field"], "values": [{"value": one["value"], "by": one["by"], "claimed_ms": one["claimed_ms"]} for one in conflict["values"]], "chosen": chosen, "reason": reason, "stands": sorted(stands)},
            "resolved": sum(left.values()) == 0, "plain_edit_refused": answer["error"]["code"] == "in-conflict", "state_hashes_equal": equal,
        }  # fmt: skip
        if stands != {chosen} or not equal or len([one for one in left.values() if one]):
            raise Failed("the devices differ, or a conflict is left")

    def money(self) -> None:
        """The fund, as Ruth sees it and as Sam does."""
        fund, mine = self.devices["ruth-laptop"].run("fund", "show"), self.devices["sam-phone"].run("fund", "show")
        conserved = fund["allotted"] == fund["unallocated"] + fund["spent"] + sum(fund["remaining"].values())
        self.say(
            f"   put in £{fund['allotted'] / 100:.2f} = pot £{fund['unallocated'] / 100:.2f} + spent £{fund['spent'] / 100:.2f} + allowances; Sam may still spend £{mine['mine'] / 100:.2f}"
        )
        self.summary["fund"] = {"allotted": fund["allotted"], "spent": fund["spent"], "mine": mine["mine"], "conserved": conserved}

    def crossing(self) -> None:
        """What may cross, and nothing else: Dana's desk hears of every case, and Jack's file is asked for something, without a reason."""
        dana, sam, ruth = (self.devices[name] for name in ("dana-phone", "sam-phone", "ruth-laptop"))
        desk = dana.run("file", "create", "intake")["file"]
        self._sync("dana-phone")
        asked = dana.run("desk", "request", desk)["request"]
        gate = self._device("setup").run("desk", "certify", asked, "--authority", str(self.folder / "office" / "authority"))["gate"]
        dana.run("desk", "open", desk, gate)
        self.say("   The authority signs the desk's gate. From now on navigators can seal to it, and cannot read what they have sealed.")
        for name in ("sam-phone", "ruth-laptop", "priya-phone", "dana-phone"):
            self._sync(name)
        opened = dana.run("record", "list", desk, "--type", "case_opened")["records"]
        told = [self._fields(dana, row["record"]) for row in dana.run("record", "list", desk, "--type", "notice")["records"]]
        kinds = sorted(one["notice"] for one in told)
        self.say(f"   Dana's desk was told that {len(opened)} cases were opened, hers or not; notices made by rule: {', '.join(kinds)}.")
        case = next(one["case"] for one in told if one.get("names") == "Jack")
        sent = dana.run("instruction", "send", "--file", desk, "--case", case, "--say", "ring_before_any_contact", "--weeks", "2", "--why", WHY)
        for name in ("dana-phone", "sam-phone", "ruth-laptop"):
            self._sync(name)
        [found] = sam.run("instruction", "list", self.files["jack"])["instructions"]
        shown = json.dumps([found, ruth.run("instruction", "list"), sam.run("parcel", "list")])
        self.say(f"   Sam's phone: {', '.join(found['say'])}, until {sent['until']}. Why, and who asked, stays with Dana.")
        self.summary["crossed"] = {"cases": len(opened), "notices": kinds, "say": found["say"], "why_crossed": WHY in shown or "Dana" in shown}
        if self.summary["crossed"]["why_crossed"] or not found["say"]:
            raise Failed("the other side was told too much, or nothing")

    @staticmethod
    def _fields(device: Device, record: str) -> dict[str, Any]:
        return {name: field["value"] for name, field in device.run("record", "show", record)["fields"].items()}

    def wall(self) -> None:
        """The wall: a crossing is tried and refused, and two auditors prove from exported logs that there never was one."""
        status, answer = self.devices["ruth-laptop"].attempt("member", "add", self.files["jack"], "Dana", "--role", "navigator")
        self.say(f"   Ruth tries to add Dana to Jack's case: {answer['error']['code']} (exit {status}). On Ruth's side nobody of that name exists.")
        exports = []
        for side in ("perpetrator", "victim"):
            path = self.folder / f"{side}.jsonl"
            made = self.office[f"auditor-{side}"].run("audit", "export", "--side", side, "--out", str(path))
            exports.append(str(path))
            verified = self.office[f"auditor-{side}"].run("audit", "verify", str(path))
            self.say(
                f"   {side} side: {made['entries']} entries and {made['events']} audit events exported and verified to checkpoint {verified['tree_size']}."
            )
            self.summary.setdefault("audit", {})[side] = {"ok": verified["ok"], "entries": verified["entries"], "leaves": verified["leaves"]}
        own = all(device.run("audit", "verify")["ok"] for device in self.devices.values())
        wall = self._device("setup").run("audit", "wall", *exports)
        self.say(
            f"   {wall['grants']} grants in {wall['logs']} logs to {wall['recipients']} keys: {wall['crossings']} crossed. The wall {'holds' if wall['ok'] else 'DOES NOT HOLD'}."
        )
        self.summary |= {
            "audit_verified": own and all(one["ok"] for one in self.summary["audit"].values()),
            "wall": {name: wall[name] for name in ("ok", "grants", "logs", "crossings")},
        }
        self.summary["crossing_refused"] = status == 1


def run_demo(folder: Path | None, port: int, *, once: bool, as_json: bool, lan: bool = False) -> int:
    """Play once; then stay up until interrupted, unless `once`. Returns the exit status."""
    home = folder or Path(tempfile.mkdtemp(prefix="fieldkeep-demo-"))
    home.mkdir(parents=True, exist_ok=True)
    if any(home.iterdir()):
        typer.echo(f"{home} is not empty: give an empty folder", err=True)
        return 2
    play: Play | None = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the finally below: no server is left behind
    try:
        play = Play(home, port, lambda text: typer.echo(text, err=as_json))
        summary = play.play()
        if as_json:
            gone = {"address", "folder"} if once and folder is None else {"address"} if once else set()
            typer.echo(json.dumps({name: value for name, value in summary.items() if name not in gone}))
        if not once:
            _stay(play, lan=lan)
    except Failed as error:
        typer.echo(json.dumps({"ok": False, "error": str(error)}) if as_json else f"The demo failed: {error}", err=not as_json)
        return 1
    except KeyboardInterrupt:
        typer.echo("\nStopping.", err=True)
    finally:
        if play is not None:
            play.server.stop()
        if folder is None and once:
            shutil.rmtree(home, ignore_errors=True)
    return 0


def _stay(play: Play, *, lan: bool) -> None:
    typer.echo(f"\nThe server stays up at {play.server.address} until you press Ctrl-C. Look around:")
    typer.echo(f"   export PATH='{Path(sys.executable).parent}':\"$PATH\" FIELDKEEP_PASSPHRASE='{PASSPHRASE}'")
    for words in ("status", "fund show", f"record history {play.files['plan'][:8]}", "audit verify"):
        typer.echo(f"   fieldkeep --profile {play.devices['priya-phone'].folder} {words}")
    typer.echo(f"Afterwards delete {play.folder}: it holds keys, and the passphrase is printed above.")
    if doors.has_app(play.server):
        doors.show(play.server, play.office, play.folder, lan=lan)
    doors.keep_open(play.server, play.devices["ruth-laptop"])
