"""What is fuzzed is found by rule: a decoder, a route, a codec or an operation that nobody fuzzes fails here."""

import inspect
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.app import ROUTES
from tests.fuzz import decoders, differential, routes
from tests.fuzz.decoders import Decoders
from tests.fuzz.targets import ELSEWHERE, INSIDE, NOT_FUZZED, TARGETS
from tests.vectors.codecs import CODECS
from tests.vectors.operations import OPERATIONS


@contextmanager
def module(name: str, **members: object) -> Iterator[None]:
    """A module of the product that has just been written."""
    made = types.ModuleType(name)
    for called, what in members.items():
        if inspect.isfunction(what):
            what.__module__ = name
        setattr(made, called, what)
    sys.modules[name] = made
    try:
        yield
    finally:
        del sys.modules[name]


class TestDecoders:
    """Every public function that is called as decoders are has a target, or a reason to have none."""

    def test_each_has_a_target_or_a_reason(self) -> None:
        fuzzed = {target.name for target in TARGETS}
        assert decoders.found() - fuzzed - NOT_FUZZED.keys() == set(), "give it a target in tests/fuzz/targets.py"
        assert NOT_FUZZED.keys() - decoders.found() == set()
        assert fuzzed.isdisjoint(NOT_FUZZED)
        assert len(fuzzed) == len(TARGETS)

    def test_each_module_that_takes_bytes_apart_is_known(self) -> None:
        """Whatever its functions are called."""
        assert decoders.parsing() - {"shared_schema.cbor"} - INSIDE - ELSEWHERE.keys() == set(), (
            "say in tests/fuzz/targets.py where it is fuzzed, or why not"
        )
        assert (INSIDE | ELSEWHERE.keys()) - decoders.parsing() == set()
        assert ELSEWHERE.keys().isdisjoint(INSIDE)

    def test_every_target_takes_its_seeds_as_it_should(self) -> None:
        """And takes one of them at least, so that what is damaged was good."""
        kind = Decoders()
        for target in TARGETS:
            if target.name in _NEVER_WHOLE:
                continue
            outcomes = kind.judge([(target.name, seed) for seed in target.seeds()[:300]])
            assert any(not one.code and not one.broken for one in outcomes), target.name
            assert [one.broken for one in outcomes if one.broken] == [], target.name

    def test_a_new_one_is_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def decode_something_new(data: bytes) -> bytes:
            return data

        monkeypatch.setattr(decoders, "modules", lambda: iter(["shared_schema.something_new"]))
        with module("shared_schema.something_new", decode_something_new=decode_something_new):
            assert decoders.found() == {"shared_schema.something_new.decode_something_new"}


_NEVER_WHOLE = {"server.backup.verify", "sync.device.exports.export_manifest.check", "sync.sealing.open_with", "server.field_app.load"}
"""What is beside their file, or under what key it was sealed, is not in a seed."""


class TestRoutes:
    """Every method of every route is asked."""

    def test_each_is_a_target(self) -> None:
        assert set(routes.route_names()) == {f"{method} {route.path}" for route in ROUTES for method in route.methods or ()}


class TestDifferential:
    """Every codec and every operation of the vectors is asked of both, or makes something of what a device has already."""

    def test_each_is_a_target(self) -> None:
        assert OPERATIONS.keys() >= differential.NOT_FROM_OUTSIDE
        names = {target.split(" ", 1)[1] for target in differential.seeds()}
        assert names == CODECS.keys() | (OPERATIONS.keys() - differential.NOT_FROM_OUTSIDE)
        assert [target for target, seeds in differential.seeds().items() if not seeds] == []
