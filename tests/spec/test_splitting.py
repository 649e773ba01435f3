"""What of a referral must not be given: found in whichever field it was typed, and nothing else is."""

from typing import Any

import pytest

from sync.splitting import repeated

PACK: dict[str, Any] = {
    "people_harmed": [{"names": "Cheryl Marr", "born": "1991-04-02", "address": "14 Hawthorn Close, Norton", "contact": "01642 555019"}],
    "children": [{"names": "Robbie Marr", "lives_with": "grandmother"}],
}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"reason": "Seen at 14  hawthorn close."}, ["people_harmed.address"]),
        ({"reason": "In Norton."}, ["people_harmed.address"]),
        ({"agency": "ring 01642-555 019"}, ["people_harmed.contact"]),
        ({"reason": "CHERYL said so"}, ["people_harmed.names"]),
        ({"external_refs": [{"system": "x", "value": "1991-04-02"}]}, ["people_harmed.born"]),
        ({"reason": "he lives with the grandmother"}, ["children.lives_with"]),
        ({"linked_people": [{"called": "Cheryl Marr"}]}, ["people_harmed.names", "children.names"]),
        ({"linked_people": [{"called": "Cheryl", "relationship": "Robbie"}]}, ["children.names"]),
        ({"linked_people": [{"called": "Cheryl"}, {"called": "Robbie"}]}, []),
        ({"linked_people": [{"called": "01642/555019"}]}, ["people_harmed.contact"]),
        ({"reason": "Three assaults; Marrick Road; cherylene", "names": "Jack Ames"}, []),
    ],
)
def test_what_is_repeated(values: dict[str, Any], found: list[str]) -> None:
    assert repeated(values, PACK) == found
