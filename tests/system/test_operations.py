"""What the operator's pages tell people to type exists: each command quoted there, and each of its options, in the command line as it is."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from fieldkeep.commands import app
from server.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/operations").glob("*.md")), *sorted((ROOT / "docs/operations").glob("*.service"))]
TREE: Any = get_command(app)
FENCED = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
TYPED = re.compile(r"(?:^\s*|exec |bin/)fieldkeep((?: [^\n`|;&#']+)?)", re.MULTILINE)
SETTING = re.compile(r"FIELDKEEP_[A-Z_]+")
ELSEWHERE = {"FIELDKEEP_PASSPHRASE", "FIELDKEEP_NEW_PASSPHRASE", "FIELDKEEP_PROFILE", "FIELDKEEP_RELEASE_KEY", "FIELDKEEP_SITE", "FIELDKEEP_UPSTREAM"}


def quoted(text: str) -> Iterator[list[str]]:
    """The words of each command: after `fieldkeep`, and in `code` that begins with the name of a group of commands."""
    blocks = FENCED.findall(text)
    for code in [*blocks, *INLINE.findall(FENCED.sub("", text))]:
        for words in TYPED.findall(code.replace("\\\n", " ")):
            yield words.split()
        first, *rest = code.split() or [""]
        group = TREE.commands.get(first)
        if "\n" not in code and rest and hasattr(group, "commands"):
            yield [first, *rest]


def wrong(words: list[str]) -> str:
    """What of a command does not exist; empty when all does."""
    command, options, at = TREE, set[str](), 0
    while at < len(words):
        word = words[at]
        known = {name: option for option in command.params for name in option.opts}
        if word.startswith("--"):
            name = word.partition("=")[0]
            if name != "--help" and name not in known:
                return f"{command.name} has no option {name}"
            options.add(name)
            if "=" not in word and name != "--help" and not getattr(known[name], "is_flag", False):
                at += 1
        elif hasattr(command, "commands") and word not in ("…", "..."):
            if word not in command.commands:
                return f"there is no command {word!r} in {command.name}"
            command = command.commands[word]
        at += 1
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_quoted_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [(" ".join(words), said) for words in quoted(text) if (said := wrong(words))] == []


@pytest.mark.parametrize("page", [*PAGES, ROOT / "docs/operations/Caddyfile"], ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Path) -> None:
    known = {f"FIELDKEEP_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    assert set(SETTING.findall(page.read_text(encoding="utf-8"))) - known - {"FIELDKEEP_"} == set()


def test_what_does_not_exist_is_found() -> None:
    assert wrong(["device", "revoke", "Sam's phone"]) == ""
    assert wrong(["--profile", "office/x", "device", "revok"]) == "there is no command 'revok' in device"
    assert wrong(["serve", "--tls", "x"]) == "serve has no option --tls"
    found = [words for words in quoted("`device revoke` and\n```\nfieldkeep serve --data /x\n```\n") if words]
    assert sorted(found) == [["device", "revoke"], ["serve", "--data", "/x"]]
