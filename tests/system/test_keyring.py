"""profile.json of version 2: the store's key wrapped under the passphrase. Upgrades, changes of passphrase and of key, and a process that ends anywhere."""

import hashlib
import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared_schema.errors import Refused
from shared_schema.unlock import Box, check_digits, decode_answer, decode_request
from sync.device.entering import helping, keyring, profile, unlocking
from sync.device.entering.keyring import Keyring
from sync.device.entering.profile import open_store
from sync.device.session import Session
from sync.device.storage.store import Store
from sync.keys import passphrase_key
from tests.world import World

OLD, NEW = "the old passphrase", "the new passphrase"
FACT = b"typed, and not sent"
DEVICE = bytes(range(16))


def seal(keys: tuple[bytes, ...]) -> tuple[Box, ...]:
    """A box that anybody opens."""
    return (Box(bytes(16), b"".join(keys).rjust(1120 + 16 + 32 * len(keys), b"\0")),)


def quick_key(passphrase: str, salt: bytes, memory_kib: int, passes: int) -> bytes:
    """In the place of Argon2id."""
    return hashlib.sha256(f"{passphrase}/{salt.hex()}/{memory_kib}/{passes}".encode()).digest()


def begin(folder: Path, size: int = 0) -> None:
    with open_store(folder, OLD, new=True) as store:
        store.set_fact("fact", FACT)
        store.set_fact("big", bytes(size))


def first_version(folder: Path, size: int = 0) -> bytes:
    """A profile as earlier builds made it: the store's key is the passphrase's own. Returns the key."""
    folder.mkdir()
    salt = secrets.token_bytes(16)
    facts = {"v": 1, "kdf": "argon2id", "memory_kib": keyring.LEAST[0], "passes": 1, "salt": salt.hex()}
    (folder / "profile.json").write_text(json.dumps(facts))
    key = passphrase_key(OLD, salt, keyring.LEAST[0], 1)
    store = Store(folder / "store.db", key)
    store.set_fact("fact", FACT)
    store.set_fact("big", bytes(size))
    store.close()
    return key


def opens(folder: Path, passphrase: str) -> bool:
    try:
        with open_store(folder, passphrase) as store:
            return store.fact("fact") == FACT
    except Refused as error:
        assert error.code == "bad-passphrase", error
        return False


def unwrapped(folder: Path, passphrase: str) -> bool:
    """Whether this passphrase opens profile.json, which is left as it is."""
    try:
        keyring.unlock(folder, passphrase)
    except Refused:
        return False
    return True


def store_opens(folder: Path, key: bytes) -> bool:
    store = profile.try_keys(folder, (key,))
    if store is None:
        return False
    store.close()
    return True


def facts(folder: Path) -> Any:
    return json.loads((folder / "profile.json").read_text())


class TestFile:
    def test_the_passphrase_says_nothing_of_the_stores_key(self, tmp_path: Path) -> None:
        begin(tmp_path / "p")
        found = facts(tmp_path / "p")
        own = passphrase_key(OLD, bytes.fromhex(found["salt"]), found["memory_kib"], found["passes"])
        ring = keyring.unlock(tmp_path / "p", OLD)
        assert own not in ring.keys
        assert store_opens(tmp_path / "p", ring.keys[0])
        assert not store_opens(tmp_path / "p", own)

    @pytest.mark.parametrize("name", ["salt", "memory_kib", "passes", "wrapped"])
    def test_everything_that_makes_the_key_is_authenticated(self, tmp_path: Path, name: str) -> None:
        """Also where the key would come out the same: the parameters are bound."""
        folder = tmp_path / "p"
        begin(folder)
        found = facts(folder)
        changed = found[name] + 1 if isinstance(found[name], int) else ("0" if found[name][-1] != "0" else "1").join((found[name][:-1], ""))
        (folder / "profile.json").write_text(json.dumps({**found, name: changed}))
        with pytest.raises(Refused) as caught, open_store(folder, OLD):
            pass
        assert caught.value.code == "bad-passphrase"
        lock = keyring.read_lock(found)
        assert lock.bound(b"x") != keyring.read_lock({**found, **({name: changed} if name != "wrapped" else {"passes": 4})}).bound(b"x")

    def test_a_damaged_box_shuts_nobody_out(self, tmp_path: Path) -> None:
        folder = tmp_path / "p"
        begin(folder)
        for device, boxes in ((DEVICE.hex(), [["00" * 16, "00"]]), ("zz", []), (DEVICE.hex(), 7), (None, None), (DEVICE.hex(), [["00" * 16]])):
            (folder / "profile.json").write_text(json.dumps({**facts(folder), "device": device, "boxes": boxes}))
            assert keyring.read(folder).boxes == ()
            assert opens(folder, OLD)

    def test_a_newer_one_is_left_alone(self, tmp_path: Path) -> None:
        begin(tmp_path / "p")
        (tmp_path / "p/profile.json").write_text(json.dumps({**facts(tmp_path / "p"), "v": 3}))
        with pytest.raises(Refused, match="newer fieldkeep"), open_store(tmp_path / "p", OLD):
            pass


class TestChange:
    def test_a_change_of_passphrase_leaves_the_store_as_it_is(self, tmp_path: Path) -> None:
        folder = tmp_path / "p"
        begin(folder, 100_000)
        before = (folder / "store.db").read_bytes(), keyring.unlock(folder, OLD).keys
        keyring.unlock(folder, OLD).change_passphrase(NEW, secrets.token_bytes)
        assert ((folder / "store.db").read_bytes(), keyring.unlock(folder, NEW).keys) == before
        assert opens(folder, NEW)
        assert not opens(folder, OLD)

    def test_a_short_one_changes_nothing(self, tmp_path: Path) -> None:
        begin(tmp_path / "p")
        with pytest.raises(Refused, match="at least 8"):
            keyring.unlock(tmp_path / "p", OLD).change_passphrase("short", secrets.token_bytes)
        assert opens(tmp_path / "p", OLD)

    def test_an_older_profile(self, tmp_path: Path) -> None:
        """The key that earlier builds used opens nothing any more: whoever has it could test guesses of the passphrase with it."""
        folder = tmp_path / "p"
        key = first_version(folder)
        assert not opens(folder, "a wrong passphrase")
        assert facts(folder)["v"] == 1
        assert opens(folder, OLD)
        assert facts(folder)["v"] == 2
        assert not store_opens(folder, key)
        assert passphrase_key(OLD, bytes.fromhex(facts(folder)["salt"]), keyring.MEMORY_KIB, keyring.PASSES) != key
        assert opens(folder, OLD)

    def test_a_fresh_key(self, tmp_path: Path) -> None:
        folder = tmp_path / "p"
        begin(folder, 300_000)
        with open_store(folder, OLD) as store:
            assert store.keyring is not None
            old = store.key
            assert store.keyring.change_key(store, DEVICE, seal, secrets.token_bytes)
            assert store.fact("fact") == FACT
            assert old not in store.keyring.keys
            store.set_fact("more", b"1")
        assert not store_opens(folder, old)
        locked = keyring.read(folder)
        assert (locked.device, locked.boxes) == (DEVICE, seal(keyring.unlock(folder, OLD).keys))
        with open_store(folder, OLD) as store:
            assert store.fact("more") == b"1"

    def test_a_full_disk_keeps_both_keys_until_it_has_room(self, tmp_path: Path) -> None:
        """A real process that may write no file beyond a size: the store goes on under its old key, and writes nothing under the other."""
        folder = tmp_path / "p"
        begin(folder, 600_000)
        script = f"""
import resource, secrets, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from sync.device.entering.profile import open_store
from tests.system.test_keyring import DEVICE, OLD, seal
with open_store(Path({str(folder)!r}), OLD) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
    assert not store.keyring.change_key(store, DEVICE, seal, secrets.token_bytes)
    assert len(store.keyring.keys) == 2 and store.key == store.keyring.keys[0]
    store.set_fact("after", b"1")
"""
        subprocess.run([sys.executable, "-c", script], check=True)
        assert len(keyring.unlock(folder, OLD).keys) == 2
        old = keyring.unlock(folder, OLD).keys[0]
        with open_store(folder, OLD) as store:
            assert (store.fact("fact"), store.fact("after"), len(store.fact("big") or b"")) == (FACT, b"1", 600_000)
        assert len(keyring.unlock(folder, OLD).keys) == 1
        assert not store_opens(folder, old)


def test_a_sync_goes_on_when_the_boxes_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was synced is synced, and the person is told."""

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    with World(sides=("perpetrator",)) as world:
        sam = world.enrol("perpetrator", "Sam", ("navigator",))
        begin(tmp_path / "p")
        with open_store(tmp_path / "p", OLD) as store:
            sam.store._db.backup(store._db)
            session = Session(store, profile.now_ms, secrets.token_bytes)
            with monkeypatch.context() as patched:
                patched.setattr(keyring, "replace_private", full)
                helping.tend(session)
            [(_, _, _, _, code, text, _)] = store.alarms()
            assert (code, "the disk is full" in text) == ("storage", True)
            assert keyring.read(tmp_path / "p").boxes == ()
            helping.tend(session)
            assert len(keyring.read(tmp_path / "p").boxes) == 1


# --- a process that ends anywhere --------------------------------------------------------------------------------------------


def change_passphrase(folder: Path) -> None:
    keyring.unlock(folder, OLD).change_passphrase(NEW, secrets.token_bytes)


def change_key(folder: Path) -> None:
    with open_store(folder, OLD) as store:
        assert store.keyring is not None
        store.keyring.change_key(store, DEVICE, seal, secrets.token_bytes)


def only_open(folder: Path) -> None:
    with open_store(folder, OLD):
        pass


def enrol(folder: Path) -> None:
    begin(folder)


def kill_at(step: int, work: Callable[[Path], None], folder: Path) -> bool:
    """Do `work` in a process of its own, which is killed at its `step`-th write; True when it was."""
    pid = os.fork()
    if pid == 0:
        try:
            _die_at(step)
            work(folder)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


def _die_at(step: int) -> None:
    """Count what changes files, before and after each, and end at one of them as kill -9 does."""
    left = step

    def passed() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            passed()
            found = real(*given, **named)
            passed()
            return found

        return call

    os.open, os.fsync = counted(os.open), counted(os.fsync)
    Path.replace, Path.unlink = counted(Path.replace), counted(Path.unlink)  # type: ignore[method-assign]
    Store.rekey, Store._connect = counted(Store.rekey), counted(Store._connect)  # type: ignore[method-assign]


def asked_for_help(folder: Path) -> None:
    """Sam's profile with a request, and Ruth's answer to it beside."""
    with World(sides=("perpetrator",)) as world:
        ruth, sam = world.enrol("perpetrator", "Ruth", ("coordinator",)), world.enrol("perpetrator", "Sam", ("navigator",))
        sam.sync()
        begin(folder, 100_000)
        with open_store(folder, OLD) as store:
            sam.store._db.backup(store._db)
            store.set_fact("fact", FACT)
            helping.tend(Session(store, profile.now_ms, secrets.token_bytes))
            assert len(keyring.read(folder).boxes) == 2
        request = decode_request(unlocking.begin(folder, NEW, profile.now_ms(), secrets.token_bytes))
        ruth.sync()
        asked = helping.judge(ruth.session, request)
        said = helping.challenge(ruth.session, request)
        confirmed = helping.confirm(ruth.session, asked, check_digits(request.id, said))
        (folder / "answer").write_bytes(helping.answer(ruth.session, confirmed))


def take_answer(folder: Path) -> None:
    answer = decode_answer((folder / "answer").read_bytes())
    opened = unlocking.finish(folder, answer, NEW, profile.now_ms, secrets.token_bytes)
    opened.session.store.close()


def ask(folder: Path) -> None:
    unlocking.begin(folder, NEW, profile.now_ms(), secrets.token_bytes)


def prepared(name: str, folder: Path) -> None:
    if name in ("answer", "ask"):
        asked_for_help(folder)
    elif name == "upgrade":
        first_version(folder, 100_000)
    elif name == "enrol":
        pass
    else:
        begin(folder, 100_000)
    if name == "go_on":  # with a change of keys that was cut short
        ring = keyring.unlock(folder, OLD)
        ring._write(secrets.token_bytes, ring._lock, ring._own, (*ring.keys, secrets.token_bytes(32)), (), b"")


WORK = {
    "passphrase": change_passphrase,
    "key": change_key,
    "upgrade": only_open,
    "go_on": only_open,
    "enrol": enrol,
    "answer": take_answer,
    "ask": ask,
}


def boxes_open(folder: Path) -> bool:
    """Whether what stands in the boxes opens the store: a kill may not leave a helper with a key of nothing."""
    return any(
        store_opens(folder, box.sealed[-32 * count :][at * 32 :][:32])
        for box in keyring.read(folder).boxes
        for count in ((len(box.sealed) - 1136) // 32,)
        for at in range(count)
    )


def every_step(name: str, folder: Path) -> int:
    """Kill at each step in turn until the work is done; the number of steps. Raises AssertionError where a profile does not open."""
    kept = folder / "kept"
    prepared(name, kept)
    for step in range(200):
        copy = folder / f"{name}-{step}"
        if kept.exists():
            shutil.copytree(kept, copy)
        killed = kill_at(step, WORK[name], copy)
        if name == "enrol":  # nothing was in it: the same command goes on
            begin(copy)
        if name == "key" and keyring.read(copy).boxes:
            assert boxes_open(copy), step
        if name == "answer" and killed:  # the same answer is taken again, until its key is no more the store's
            done = not unwrapped(copy, OLD)
            try:
                take_answer(copy)
            except Refused as error:
                assert (done, error.code) == (True, "request-ended"), step
            assert not unwrapped(copy, OLD)
        if not opens(copy, OLD):
            assert name in ("passphrase", "answer"), step
            assert opens(copy, NEW), step
        assert len(keyring.unlock(copy, OLD if opens(copy, OLD) else NEW).keys) == 1
        shutil.rmtree(copy)
        if not killed:
            return step
    raise AssertionError("it never ended")


def torn(folder: Path) -> int:
    """Killed inside the library, at each size that the store's log may have got to; how many kills there were."""
    kept = folder / "torn"
    begin(kept, 200_000)
    size = (kept / "store.db").stat().st_size
    kills = 0
    for limit in (0, 1, 40, 4_096, 16_384, 16_408, size // 3, size // 2, size - 20_000, size - 1, size, size + 300, size + 16_384, size * 2):
        copy = folder / f"torn-{limit}"
        shutil.copytree(kept, copy)
        pid = os.fork()
        if pid == 0:
            try:
                with open_store(copy, OLD) as store:
                    ring = store.keyring
                    assert ring is not None
                    ring._write(secrets.token_bytes, ring._lock, ring._own, (store.key, secrets.token_bytes(32)), (), b"")
                    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                    store.rekey(ring.keys[-1])
                    os.kill(os.getpid(), signal.SIGKILL)
            finally:
                os._exit(0)
        kills += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        assert opens(copy, OLD), limit
        with open_store(copy, OLD) as store:
            assert len(store.fact("big") or b"") == 200_000
            assert [row[0] for row in store._db.execute("PRAGMA integrity_check")] == ["ok"]
            assert store._db.execute("PRAGMA cipher_integrity_check").fetchall() == []
        shutil.rmtree(copy)
    return kills


@pytest.mark.parametrize("name", [*WORK, "torn"])
def test_a_kill_anywhere_leaves_a_profile_that_opens(tmp_path: Path, name: str) -> None:
    """In a process without threads, which may fork; it opens some hundred profiles, and spares itself Argon2."""
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from sync.device.entering import keyring
from tests.system import test_keyring as here
keyring.passphrase_key = here.passphrase_key = here.quick_key
folder = Path({str(tmp_path)!r})
print(here.torn(folder) if {name!r} == "torn" else here.every_step({name!r}, folder))
"""
    ran = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) >= {"passphrase": 8, "key": 24, "upgrade": 24, "go_on": 12, "enrol": 8, "answer": 30, "ask": 8, "torn": 13}[name], (
        ran.stdout
    )


def test_the_ring_writes_before_it_believes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that the disk did not take is not in memory either: a store key that only memory knew would be lost with the process."""
    folder = tmp_path / "p"
    begin(folder)

    def full(*_: object) -> None:
        raise OSError("full")

    with open_store(folder, OLD) as store:
        ring = store.keyring
        assert isinstance(ring, Keyring)
        before = store.key
        monkeypatch.setattr(keyring, "replace_private", full)
        with pytest.raises(OSError, match="full"):
            ring.change_key(store, DEVICE, seal, secrets.token_bytes)
        assert (ring.keys, store.key, ring.boxes) == ((before,), before, ())
        with pytest.raises(OSError, match="full"):
            ring.change_passphrase(NEW, secrets.token_bytes)
    assert opens(folder, OLD)
