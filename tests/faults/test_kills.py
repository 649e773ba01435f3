"""A few kills of a server and of a device; `make faults` does a thousand of each."""

from tests.faults import device_kills, server_kills
from tests.faults.planted import NAME
from tests.faults.quick import QuickServer


def test_kills_of_a_server_under_load() -> None:
    found = server_kills.run(5, seed=7)
    assert found.broken == []
    assert found.kills == 5
    assert found.acknowledged > 30


class AnswersFirst(QuickServer):
    """A server that answers, and then commits."""

    def spawn(self, words: list[str]) -> object:
        self._env[NAME] = "reply-early"
        return super().spawn(words)


def test_a_server_that_answers_first_is_found() -> None:
    found = server_kills.run(25, seed=7, server=AnswersFirst, most=150)
    assert any("acknowledged" in one for one in found.broken)


def test_kills_of_a_device() -> None:
    found = device_kills.run(8, seed=7)
    assert found.broken == []
    assert found.kills == 8
    assert found.typed > 8


def test_a_device_that_keeps_its_outbox_late_is_found() -> None:
    found = device_kills.run(50, seed=7, planted="outbox-late")
    assert any("alarm" in one or "frozen" in one or "in the log" in one for one in found.broken)
