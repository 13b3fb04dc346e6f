"""The tables of one kind of component: what an editor offers in them, and what is checked."""

from __future__ import annotations

from dataclasses import dataclass

from skinfw.toolkit import KEYS, LISTED_KEYS, Catalog, Kind, parameters
from skinfw_catalog.schema_draft7 import draft7
from skinfw_catalog.schema_hints import distinct, hint, hints
from skinfw_catalog.schema_messages import Schema, refer, refuse, refuse_table
from skinfw_catalog.schema_signature import Signature, read_signatures

_LOCAL_FILE = r".+\.py:[A-Za-z_]\w*"


@dataclass(frozen=True)
class KindSchema:
    """Hold what the tables of one kind may say.

    kind: the kind.
    host: a schema for each key that the host adds to all components of this kind.
    listed: a schema for each key that it adds besides where a recipe lists several, and a merger
        makes one of them.
    signatures: of its components.
    """

    kind: Kind
    host: dict[str, Schema]
    listed: dict[str, Schema]
    signatures: tuple[Signature, ...]

    @classmethod
    def read(cls, catalog: Catalog, kind: Kind) -> KindSchema:
        """Read the signatures of all components of a kind.

        catalog: what is installed.
        kind: the kind.
        """
        host, listed = (
            draft7(parameters(keys[kind.name]).schema())["properties"] if kind.name in keys else {}
            for keys in (KEYS, LISTED_KEYS)
        )
        add = {
            "enum": [True],
            "description": "true puts this list behind the one below instead of replacing it.",
        }
        if kind.many:
            host = {**host, "add": add}
        elif kind.merger:
            listed = {**{key: listed[key] for key in listed if key not in host}, "add": add}
        signatures = read_signatures(catalog, kind.name)
        named = tuple(one for one in signatures if one.label != kind.merger)
        return cls(kind, host, listed, named)

    def completion(self, listed: bool = False) -> dict[str, Schema]:
        """Return what an editor offers: `use`, and each key of any component once.

        listed: whether the table is one of several that a merger makes one of.
        """
        keys = {key: hint(meanings) for key, meanings in self._meanings().items()}
        host = {**self.host, **self.listed} if listed else self.host
        return {"use": refer(self.kind.name), **keys, **hints(self.kind.name, host)}

    def definitions(self) -> dict[str, Schema]:
        """Return what the other schemas refer to: the names, and a table per signature."""
        offer = [name for one in self.signatures for name in one.names]
        choice: Schema = {"enum": offer} if offer else {"not": {}}
        names = {
            "type": "string",
            **choice,
            "description": self.kind.does,
            "x-taplo": {"docs": {"enumValues": [one.summary for one in self._plain()]}},
        }
        tables = {
            self._place(one): self._table(f"{self.kind.name} {one.label} has no such key", one.keys)
            for one in self.signatures
        }
        return {self.kind.name: names, **tables}

    def check(self, listed: bool = False) -> Schema:
        """Return what holds for every table, whatever the recipe extends.

        listed: as for `completion`.
        """
        many = self.kind.many or listed
        text = f"it is a key of [[{self.kind.name}]], where there are several"
        further = self.listed if listed else dict.fromkeys(self.listed, refuse(text))
        tables = [
            {"if": one.condition(), "then": refer(self._place(one))} for one in self.signatures
        ]
        schema: Schema = {
            "properties": {"use": self._use(), **self.host, **further},
            "if": {"required": ["use"]},
            "then": {"allOf": [True, *tables, *(self._required() if many else ())]},
        }
        return {**schema, "else": self._needs_use()} if many else schema

    def child(self) -> Schema:
        """Return what holds besides for the single table of a recipe that extends another.

        Without `use` it changes the component that the other recipe names, whichever that is.
        """
        keys: dict[str, Schema] = {}
        for key, meanings in self._meanings().items():
            options = distinct(_without_words(schema) for schema in meanings.values())
            keys[key] = options[0] if len(options) == 1 else {"anyOf": options}
        return {
            "if": {"required": ["use"]},
            "else": self._table(f"no {self.kind.name} has such a key", keys),
        }

    def alone(self, default: str | None) -> Schema:
        """Return what holds besides for the single table of a recipe that extends none.

        default: the component that a table without `use` means, if there is one.
        """
        meant = [refer(self._place(one)) for one in self.signatures if one.label == default]
        return {
            "if": {"required": ["use"]},
            "then": {"allOf": [True, *self._required()]},
            "else": meant[0] if meant else self._needs_use(),
        }

    def _plain(self) -> list[Signature]:
        """Return what has a name of its own; it stands before what has several."""
        return [one for one in self.signatures if len(one.names) == 1]

    def _place(self, signature: Signature) -> str:
        return f"{self.kind.name}.{signature.label}"

    def _meanings(self) -> dict[str, dict[str, Schema]]:
        """Return for each key its schema in every component that has it."""
        meanings: dict[str, dict[str, Schema]] = {}
        for one in self.signatures:
            for key, schema in one.keys.items():
                meanings.setdefault(key, {})[one.label] = schema
        return meanings

    def _table(self, wrong: str, keys: dict[str, Schema]) -> Schema:
        """Return the schema of a table with certain keys; `check` looks at the host's.

        wrong: what is said of other keys.
        """
        known = ["use", *keys, *self.host]
        text = f"{wrong}; there is {', '.join(known)}"
        return {
            "properties": {**dict.fromkeys([*known, *self.listed], True), **keys},
            "additionalProperties": refuse(text),
        }

    def _use(self) -> Schema:
        """Return what `use` may say: a name on offer, a qualified one, or a local file."""
        patterns = "|".join([_LOCAL_FILE, *(one.other_names for one in self.signatures)])
        others = {"type": "string", "pattern": f"^(?:{patterns})$"}
        there = ", ".join(dict.fromkeys(one.display_name for one in self.signatures)) or "none"
        return {
            "if": {"anyOf": [refer(self.kind.name), others]},
            "else": refuse(f"no {self.kind.name} has this name; there is {there}"),
        }

    def _required(self) -> list[Schema]:
        """Return what tables satisfy that have all keys which must be given."""
        return [
            {
                "if": one.condition(),
                "then": {
                    "if": {"required": list(one.required)},
                    "else": {"properties": {"use": refuse(one.needs)}},
                },
            }
            for one in self.signatures
            if one.required
        ]

    def _needs_use(self) -> Schema:
        text = f"{self.kind.name} needs use"
        meanings = self._meanings()
        likeliest = sorted(meanings, key=lambda key: -len(meanings[key]))
        return refuse_table(refuse(text), [*self.host, *likeliest])


def _without_words(schema: Schema) -> Schema:
    """Return what a schema allows, without what it tells."""
    return {key: value for key, value in schema.items() if key not in ("description", "default")}
