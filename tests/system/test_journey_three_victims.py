"""One man, three whom he has harmed: one standing address on his side; on theirs three files, and what happens in his case comes to each of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.device.entering import keyring
from tests.canaries import hits
from tests.rawstore import decrypted
from tests.shell import SECRET
from tests.town import listed, new_town

NAMES = ("Cheryl Hartburn", "Dawn Eaglescliffe", "Jane Marton-Grove")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Any]:
    with new_town(tmp_path) as made:
        yield made


def test_three_victims(town: Any) -> None:
    """Fan-out is the victim side's own; his side has one address and hears one voice."""
    [opened] = listed(town, "jo", "case_opened", town.desk)

    # Jane was referred as the one who hits. Eight call-outs, seven of them with her as the one harmed: the desk looks before anything else.
    town.run(
        "jo", "record", "add", "role_check", "--file", town.desk,
        *(word for one in (f"who={NAMES[2]}", "history_as_victim=7", "history_as_user_of_abuse=1", "fear=yes", "control=no", "injury=yes", "resisting=yes",
                           "counter_allegation=yes", "conclusion=is_harmed", "review_on=2027-01-15") for word in ("--set", one)),
    )  # fmt: skip
    [check] = listed(town, "jo", "role_check", town.desk)
    assert check["conclusion"] == "is_harmed"

    hers: dict[str, str] = {}
    for number, name in enumerate(NAMES):
        hers[name] = town.run("jo", "file", "create", "case", "--member", "Lee=link_worker")["file"]
        town.run(
            "jo",
            "record",
            "add",
            "person",
            "--file",
            hers[name],
            "--set",
            f'names={{"name": "{name}", "kind": "given"}}',
            "--set",
            f"known_as={name}",
        )
        town.run(
            "jo", "record", "add", "link", "--file", town.desk, "--set", f"case={opened['case']}", "--set", f"file={hers[name]}",
            "--set", "support=accepted", "--set", f"primary_victim={'yes' if number == 0 else 'no'}",
        )  # fmt: skip
    town.sync("jo", "jo", "lee")

    # What happens in his case comes to each of the three files, once.
    me = next(row["user"] for row in town.run("sam", "device", "list")["devices"] if row["this"])
    town.run(
        "sam", "record", "add", "contact", "--file", town.case,
        *(word for one in ("mode=home_visit", "direction=to_them", "with=client", "result=hostile", f"workers={me}") for word in ("--set", one)),
    )  # fmt: skip
    town.sync("sam", "jo", "jo", "lee", "jo")
    for name in NAMES:
        assert [one["notice"] for one in listed(town, "lee", "notice", hers[name])] == ["contact_hostile"]

    # What is asked for one of them goes to the one address, and says not for whom; of all that is in force the strictest counts.
    town.run("lee", "instruction", "send", "--file", hers[NAMES[1]], "--say", "no_home_visits", "--weeks", "2")
    town.run("lee", "instruction", "send", "--file", hers[NAMES[2]], "--gate", "ring_first", "--weeks", "3")
    town.run("lee", "instruction", "send", "--file", hers[NAMES[0]], "--gate", "hold", "--weeks", "1")
    town.sync("lee", "sam", "ruth")
    [found] = town.run("sam", "instruction", "list", town.case)["instructions"]
    assert (found["gate"], found["say"]) == ("hold", ["no_home_visits"])
    things = [(name, decrypted(town.folder / name / "store.db", keyring.unlock(town.folder / name, SECRET).keys[0])) for name in ("sam", "ruth")]
    assert hits(things, [*NAMES, *hers.values()]) == []
    assert len(town.run("sam", "record", "list", town.case, "--type", "liaison_file")["records"]) == 1
