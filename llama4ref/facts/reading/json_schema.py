"""What may an editor accept in a spec file? JSON Schema made from the types of the facts.

The schema of a type says what a value is; a spec also says who states it. So every scalar or list may be a mapping with `value`
and its source, every group may name the source of what is inside it, `unknown` stands where a value may be unpublished and
`none` where there may be none, and numbers may be written with underscores, which readers of YAML 1.2 take for text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from pydantic import ConfigDict, TypeAdapter

from llama4ref.facts.reading.validation import STRICT
from llama4ref.facts.types.kinds import KINDS
from llama4ref.facts.types.sources import Source
from llama4ref.field_words import without_meanings

DOCUMENTED = ConfigDict(**STRICT, use_attribute_docstrings=True)

Schema = dict[str, object]

_TEXT: Schema = {"type": "string", "minLength": 1}
_STATES: dict[str, Schema] = {
    "unknown": {"const": "unknown", "description": "not published"},
    "none": {"const": "none", "description": "there is none"},
}
"""How a spec writes that a field has no value."""
_STATED_AS: dict[str, Schema] = {"unknown": {"const": "unknown"}, "none": {"type": "null"}}
"""How pydantic writes the same."""
_UNDERSCORED: Schema = {"type": "string", "pattern": r"^-?[0-9]+(_[0-9]+)*$", "description": "digits in groups"}
_POWERED: Schema = {"type": "string", "pattern": r"^-?[0-9.]+e[-+]?[0-9]+$", "description": "a number with an exponent"}
_CITING: Schema = {
    "source": {**_TEXT, "description": "key in sources.yaml; holds for everything inside"},
    "at": {**_TEXT, "description": "where inside the source"},
    "as_of": {**_TEXT, "description": "day for which it holds, ISO 8601"},
    "note": {**_TEXT, "description": "what to know"},
    "doubt": {**_TEXT, "description": "why this word is not believed"},
    "because": {**_TEXT, "description": "why this value is preferred"},
    "also": {
        "type": "array",
        "items": {"$ref": "#/definitions/word"},
        "description": "further sources that agree",
    },
    "disputed": {
        "type": "array",
        "items": {"allOf": [{"$ref": "#/definitions/word"}, {"required": ["value"]}]},
        "description": "sources that say otherwise; needs `because`",
    },
}
_DEFAULTS: Schema = {name: {"$ref": f"#/definitions/{name}"} for name in ("source", "at", "also", "as_of")}
_SHARED: Schema = {
    **_CITING,
    "word": {
        "type": "object",
        "properties": {name: {"$ref": f"#/definitions/{name}"} for name in ("source", "at", "as_of", "doubt", "note")},
        "propertyNames": {"enum": ["value", "source", "at", "as_of", "doubt", "note"]},
        "required": ["source"],
    },
    "long": {
        "type": "object",
        "properties": {name: {"$ref": f"#/definitions/{name}"} for name in _CITING if name != "doubt"},
        "propertyNames": {"enum": ["value", *(name for name in _CITING if name != "doubt")]},
        "required": ["value"],
        "dependencies": {"disputed": ["because"]},
        "description": "a value with its own source",
    },
}
_PLAIN: dict[str, Schema] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "list_of_string": {"type": "array", "items": {"type": "string"}},
    "list_of_integer": {"type": "array", "items": {"type": "integer"}},
}
"""Types of leaves without further conditions, which are written out once. All of it is draft 7, which editors know best."""


def schema_files() -> dict[str, str]:
    """The schema of every kind of spec as text, by file name."""
    schemas = {kind: schema_of(kind) for kind in KINDS} | {"sources": sources_schema()}
    return {f"{kind}.schema.json": json.dumps(schema, indent=2) + "\n" for kind, schema in schemas.items()}


def schema_of(kind: str) -> Schema:
    """The schema of one spec file of a kind, such as `models`; its id is the file's name and not in it."""
    made = _generated(KINDS[kind].type)
    definitions = {name: _cited(_group(schema)) for name, schema in _mappings(made["$defs"]).items()}
    root = definitions.pop(KINDS[kind].type.__name__)
    return _titled(kind, root) | {"definitions": definitions | _SHARED | _plain_definitions(root, definitions)}


def sources_schema() -> Schema:
    """The schema of `sources.yaml`, whose values carry no citation themselves."""
    made = _generated(Source)
    source = _without_id(_group(_mappings(made["$defs"])["Source"], long_form=False))
    return _titled("sources", {"type": "object", "additionalProperties": source})


def _generated(type_: type) -> Schema:
    adapter = TypeAdapter(dict[str, type_], config=DOCUMENTED)  # type: ignore[valid-type]  # the type is looked up
    made = adapter.json_schema(ref_template="#/definitions/{model}")
    return _named_by_title({**made, "$defs": described_once(made["$defs"])})


def described_once(definitions: Mapping[str, Schema]) -> dict[str, Schema]:
    """Definitions of classes that do not repeat the meanings of their fields, which stand at the fields."""
    return {
        name: {**each, "description": without_meanings(str(each["description"]))} if "description" in each else each
        for name, each in definitions.items()
    }


def _named_by_title(schema: Schema) -> Schema:
    """Definitions under the names of their classes; a generic class would carry its parameters in its name."""
    text = json.dumps(schema)
    for name, each in _mappings(schema["$defs"]).items():
        text = text.replace(f'"{name}":', f'"{each["title"]}":').replace(f'/{name}"', f'/{each["title"]}"')
    renamed: Schema = json.loads(text)
    return renamed


def _titled(kind: str, root: Schema) -> Schema:
    head = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Generated by `llama4ref check --write-schemas`.",
    }
    return {**head, **_without_id(root), "title": f"specs/{kind}"}


def _without_id(schema: Schema) -> Schema:
    if "properties" not in schema:
        return schema
    properties = {name: each for name, each in _mappings(schema["properties"]).items() if name != "id"}
    required = [name for name in _names(schema["required"]) if name != "id"]
    return {**schema, "properties": properties, "required": required}


def _group(schema: Schema, *, long_form: bool = True) -> Schema:
    """A dataclass: its properties written as specs write them."""
    properties = {name: _node(each, long_form=long_form) for name, each in _mappings(schema["properties"]).items()}
    return {**schema, "properties": properties}


def _cited(schema: Schema) -> Schema:
    """A group that may name the source of what is inside it."""
    return {**schema, "properties": {**_DEFAULTS, **_mappings(schema["properties"])}}


def _node(schema: Schema, *, long_form: bool) -> Schema:
    """One field: a group, a mapping or list of them, or a leaf."""
    kept = {key: schema[key] for key in ("description",) if key in schema}
    bare = {key: value for key, value in schema.items() if key not in {"description", "title", "default"}}
    choices = _choices(bare)
    states = [state for state in _STATES if any(_state(choice) == state for choice in choices)]
    missing = [_STATES[state] for state in states]
    valued = [choice for choice in choices if _state(choice) is None]
    groups = [choice for choice in valued if _holds_groups(choice)]
    if groups:
        written = [_container(choice, long_form=long_form) for choice in groups]
        long = [_long(missing or [{"type": "array", "maxItems": 0}])] if long_form else []
        return {**kept, "anyOf": [*written, *missing, *long]}
    if long_form and len(valued) == 1 and _plain_name(valued[0]) in _PLAIN:
        return {**kept, "allOf": [{"$ref": f"#/definitions/{'_or_'.join([_plain_name(valued[0]), *states])}"}]}
    return {**kept, **_leaf(choices, long_form=long_form)}


def _leaf(choices: list[Schema], *, long_form: bool) -> Schema:
    """Every way to write a value of these types."""
    states = {_state(choice) for choice in choices} - {None}
    ways = [way for choice in choices for way in _ways(choice, states)]
    return {"anyOf": [*ways, *([_long(ways)] if long_form else [])]}


def _ways(choice: Schema, states: Collection[str | None]) -> list[Schema]:
    """The ways to write one of several choices; where one state is legal, the word for the other is no text."""
    state = _state(choice)
    if state is not None:
        return [_STATES[state]]
    other = [word for word in _STATES if word not in states]
    if len(other) == 1 and choice == {"type": "string"}:
        return [{**choice, "not": {"const": other[0]}}]
    return _spelled(choice)


def _state(choice: Schema) -> str | None:
    """The word for having no value that a choice of pydantic's stands for, if it stands for one."""
    if choice.get("type") == "null":
        return "none"
    return "unknown" if choice.get("const") == "unknown" and "type" not in choice else None


def _plain_name(schema: Schema) -> str:
    """The name that a type without conditions has among the shared definitions."""
    items = schema.get("items")
    if schema.keys() == {"type", "items"} and isinstance(items, dict):
        return f"list_of_{_plain_name(items)}"
    return str(schema["type"]) if schema.keys() == {"type"} else "conditional"


def _plain_definitions(*users: Mapping[str, object]) -> Schema:
    """The shared definitions that a schema refers to."""
    text = json.dumps(users)
    made: Schema = {}
    for name, schema in _PLAIN.items():
        for states in ((), ("unknown",), ("none",), ("unknown", "none")):
            full = "_or_".join([name, *states])
            if f'"#/definitions/{full}"' in text:
                made[full] = _leaf([schema, *(_STATED_AS[state] for state in states)], long_form=True)
    return made


def _choices(schema: Schema) -> list[Schema]:
    several = schema.get("anyOf")
    return [dict(each) for each in several] if isinstance(several, list) else [schema]


def _holds_groups(schema: Schema) -> bool:
    if "$ref" in schema or isinstance(schema.get("additionalProperties"), dict):
        return True
    items = schema.get("items")
    return isinstance(items, dict) and _holds_groups(items)


def _container(schema: Schema, *, long_form: bool) -> Schema:
    inner = schema.get("additionalProperties")
    if isinstance(inner, dict):
        return {**schema, "properties": _DEFAULTS, "additionalProperties": _node(inner, long_form=long_form)}
    return schema


def _long(values: list[Schema]) -> Schema:
    """The mapping that a value becomes when it brings its own source."""
    return {"allOf": [{"$ref": "#/definitions/long"}], "properties": {"value": {"anyOf": values}}}


def _spelled(schema: Schema) -> list[Schema]:
    """The ways to write a value."""
    match schema.get("type"):
        case "integer":
            return [schema, _UNDERSCORED]
        case "number":
            return [schema, _UNDERSCORED, _POWERED]
        case "array" if isinstance(schema.get("items"), dict):
            choices = _choices(dict(_mappings({"items": schema["items"]})["items"]))
            return [{**schema, "items": {"anyOf": [way for choice in choices for way in _spelled(choice)]}}]
        case _:
            return [schema]


def _mappings(value: object) -> dict[str, Schema]:
    """A mapping of schemas, as pydantic makes them."""
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a mapping of schemas, found {type(value).__name__}")
    return {str(name): dict(each) for name, each in value.items()}


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []
