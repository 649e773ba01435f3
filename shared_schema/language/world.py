"""What a schema may refer to: the other schemas, the code lists, and the roles and kinds of file of roles.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared_schema import roles
from shared_schema.language.report import as_dict
from shared_schema.schema_files import HEADER, SchemaFiles


@dataclass(frozen=True, slots=True)
class World:
    """A folder of schemas and lists, and who there is."""

    source: SchemaFiles
    roles: Mapping[str, frozenset[str]]
    """The roles that may hold content, each with its sides."""
    places: Mapping[str, frozenset[str]]
    """The kinds of file, each with its sides."""

    @property
    def types(self) -> list[str]:
        """The names of the record types."""
        return [name for name in self.source.schemas if name != HEADER]

    def properties(self, name: str) -> dict[str, Any]:
        """The fields of a type, its own and then the header's; empty for an unknown one."""
        own = as_dict(self.source.schemas.get(name, {}).get("properties")) if name != HEADER else {}
        header = as_dict(self.source.schemas.get(HEADER, {}).get("properties"))
        return {**own, **header}

    def codes(self, name: object) -> list[str]:
        """The codes of a list; none for an unknown one."""
        raw = self.source.lists.get(name, {}) if isinstance(name, str) else {}
        terms = raw.get("terms")
        return [str(as_dict(term).get("code")) for term in terms] if isinstance(terms, list) else []

    def values(self, words: dict[str, Any]) -> list[str]:
        """What a field of codes, or a yes or no, may hold: what rules can ask about. None for any other field."""
        return ["yes", "no"] if words.get("x-kind") == "yn" else self.codes(words.get("x-codes"))


def world_of(source: SchemaFiles) -> World:
    """The folder, with the roles and files of this version."""
    content = {name: frozenset(words["sides"]) for name, words in roles.ROLES.items() if words["content"]}
    return World(source, content, {kind: roles.file_sides(kind) for kind in roles.FILES})
