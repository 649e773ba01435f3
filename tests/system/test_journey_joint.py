"""Two workers, one visit: each writes what they saw, in a note of their own; it is one contact; and where their plans differ a person decides."""

from typing import Any

from tests.story import add, sign

CALM = {"suicide_or_self_harm": "nothing_noted", "threat_to_someone": "nothing_noted", "child_concern": "nothing_noted"}


def test_a_joint_visit(office: Any) -> None:
    visit = {
        "mode": "home_visit",
        "direction": "to_them",
        "with_": "client",
        "result": "spoke",
        "workers": "Sam,Priya",
        "event_at": "2026-11-23T10:00",
    }
    office.server.stop()  # neither of them has a signal, and neither sees what the other writes
    mine = add(office, "sam", "contact", office.case, **visit)["record"]
    hers = add(office, "priya", "contact", office.case, **visit)["record"]
    sams = sign(office, "sam", "case_note", office.case, body="He was quiet. He looked at the floor.", contact=mine, **CALM)["record"]
    priyas = sign(office, "priya", "case_note", office.case, body="He shouted once, at the dog.", **CALM)["record"]
    office.server.start()
    office.sync("sam", "priya", "sam", "ruth")

    office.run("priya", "record", "edit", priyas, "--set", f"contact={hers}")
    found = office.run("ruth", "contact", "list", office.case)
    assert (found["count"], len(found["maybe_same"])) == (2, 1), (
        "the person, the time and the place agree: it is offered, and nobody decides but people"
    )
    office.run("priya", "contact", "same", hers, mine)
    office.sync("priya", "sam", "ruth")
    for who in ("sam", "priya", "ruth"):
        found = office.run(who, "contact", "list", office.case)
        assert (found["count"], found["maybe_same"], sorted(found["contacts"][0]["by"])) == (1, [], ["Priya", "Sam"])
    by = {
        row["record"]: office.run("ruth", "record", "show", row["record"])
        for row in office.run("ruth", "record", "list", office.case, "--type", "case_note")["records"]
    }
    assert {record: (one["fields"]["body"]["value"], one["author"]) for record, one in by.items()} == {
        sams: ("He was quiet. He looked at the floor.", "Sam"),
        priyas: ("He shouted once, at the dog.", "Priya"),
    }
    written = office.run("sam", "record", "edit", priyas, "--set", "body=He shouted twice.")
    assert written["own_note"], "nobody's words are changed by a colleague: these are a note of Sam's own"
    office.sync("sam", "priya")
    assert office.run("priya", "record", "show", priyas)["fields"]["body"]["value"] == "He shouted once, at the dog."

    # One plan, two opinions, both written without signal: both are shown until a person decides and says why.
    plan = add(
        office, "sam", "own_safety_plan", shared(office), things_i_can_do='{"words": "Ring my brother"}', means_discussed="yes", where_kept="His wallet",
        copy_given="yes", review_on="2026-12-01", likely_to_use="7",
    )["record"]  # fmt: skip
    office.sync("sam", "priya", "ruth")
    office.server.stop()
    office.run("sam", "record", "edit", plan, "--set", "likely_to_use=8")
    office.run("priya", "record", "edit", plan, "--set", "likely_to_use=3")
    office.server.start()
    office.sync("sam", "priya", "sam", "ruth")
    [conflict] = office.run("sam", "conflicts", "list")["conflicts"]
    assert {(value["by"], value["value"]) for value in conflict["values"]} == {("Sam", 8), ("Priya", 3)}
    assert office.refused("sam", "record", "edit", plan, "--set", "likely_to_use=5") == "in-conflict"
    office.run("sam", "conflicts", "resolve", plan, "likely_to_use", "--value", "4", "--reason", "asked him again together")
    office.sync("sam", "priya", "ruth")
    for who in ("sam", "priya", "ruth"):
        assert office.run(who, "conflicts", "list")["conflicts"] == []
        assert office.run(who, "record", "show", plan)["fields"]["likely_to_use"]["value"] == 4
    said = [row for row in office.run("ruth", "record", "history", plan)["history"] if row["field"] == "likely_to_use"]
    assert [row["action"] for row in said].count("resolve") == 1
    assert {8, 3} <= {row["value"] for row in said if row["action"] == "set"}, "what was not chosen stays in the history"


def shared(office: Any) -> str:
    """The file that both of them have of his plan to stay safe."""
    made: str = office.run(
        "sam", "file", "create", "shared_care", "--case", office.case, "--member", "Priya=navigator", "--member", "Ruth=coordinator"
    )["file"]
    office.sync("sam", "priya", "ruth")
    return made
