"""`fieldkeep demo --once --json`, as the README gives it."""

import json
import subprocess
import sys


def test_the_demo_plays_to_its_end() -> None:
    ran = subprocess.run([sys.executable, "-m", "fieldkeep", "demo", "--once", "--json"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    assert found["ok"]
    assert not {"address", "folder"} & found.keys(), "both are gone"
    assert (found["people"], found["devices"]) == (4, 5)
    assert found["receipts"] >= 6
    assert found["unsent_offline"] >= 4
    assert found["canary_hits"] == 0
    assert found["planted_leak_found"]
    assert sorted(value["value"] for value in found["conflict"]["values"]) == [3, 7]
    assert {value["by"] for value in found["conflict"]["values"]} == {"Sam", "Priya"}
    assert found["conflict"]["chosen"] == 3
    assert found["conflict"]["stands"] == [3], "what is told is what the phones show"
    assert "cautious" in found["conflict"]["reason"]
    assert found["resolved"]
    assert found["plain_edit_refused"]
    assert found["state_hashes_equal"]
    assert found["fund"]["conserved"]
    assert (found["fund"]["spent"], found["fund"]["mine"]) == (1420, 4580)
    assert found["audit_verified"]
    assert found["wall"]["ok"]
    assert found["wall"]["crossings"] == 0
    assert found["crossing_refused"]
    assert found["crossed"]["cases"] == 2
    assert found["crossed"]["notices"] == ["contact_made", "who_it_is"]
    assert (found["crossed"]["say"], found["crossed"]["why_crossed"]) == (["ring_before_any_contact"], False)
    assert found["server_alive_at_end"]
    assert "receipt for sam-phone" in ran.stderr
