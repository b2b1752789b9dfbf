"""JSON Schemas (2020-12) of our YAML files, made from the models that check them.

A schema says which keys there are and what each may hold; relations between keys are checked only
when a file is read.  A schema accepts every file that the tool reads.
"""

from collections.abc import Callable
from typing import Any, get_args

from pydantic import PlainValidator, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sushi_dse.bits import BITS
from sushi_dse.config.boards import (
    Board,
    board_named,
    boards,
    read_shell_share,
    read_speed_grade,
)
from sushi_dse.config.choices import MAX_COUNT, Offer
from sushi_dse.config.hardware_keys import (
    STEMS,
    Bits,
    Count,
    HardwareKeys,
    Measure,
    Number,
    Only,
    Quantity,
    Reading,
)
from sushi_dse.config.workload_keys import FAMILY_KEYS, read_widths
from sushi_dse.hardware.timing import DSP_MHZ
from sushi_dse.units import NUMBER, SUFFIXES, TIMES, UNITS, label, unit_of

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMERIC: JsonSchemaValue = {"type": "number"}


def header_line(kind: str) -> str:
    """The first line of a file, by which an editor finds the schema in the same folder."""
    return f"# yaml-language-server: $schema={kind}.schema.json"


def json_schema(kind: str) -> JsonSchemaValue:
    """The schema of a kind of file, a key of `SCHEMAS`; KeyError for any other."""
    return {"$schema": DIALECT, **SCHEMAS[kind]()}


def _hardware() -> JsonSchemaValue:
    schema = TypeAdapter(HardwareKeys).json_schema(schema_generator=Generator)
    for key, field in HardwareKeys.model_fields.items():
        for mark in field.metadata:
            if isinstance(mark, PlainValidator):
                name, one = ONE_VALUE[mark](key)
                schema["$defs"][name] = one
                form = FORMS.get(mark, offered)
                schema["$defs"][f"{name}_offered"] = form({"$ref": f"#/$defs/{name}"})
                schema["properties"][key]["$ref"] = f"#/$defs/{name}_offered"
    return schema


def _workload() -> JsonSchemaValue:
    definitions: dict[str, Any] = {}
    cases = []
    for family, model in FAMILY_KEYS.items():
        schema = TypeAdapter(model).json_schema(schema_generator=Generator)
        definitions |= schema.pop("$defs", {})
        definitions[model.__name__] = schema
        cases.append(
            {
                "if": {"properties": {"family": {"const": family}}, "required": ["family"]},
                "then": {"$ref": f"#/$defs/{model.__name__}"},
            }
        )
    return {
        "title": "A workload",
        "type": "object",
        "properties": {"family": {"enum": list(FAMILY_KEYS)}},
        "required": ["family"],
        "allOf": cases,
        "$defs": definitions,
    }


def _devices() -> JsonSchemaValue:
    return TypeAdapter(dict[str, Board]).json_schema(schema_generator=Generator)


SCHEMAS: dict[str, Callable[[], JsonSchemaValue]] = {
    "hw": _hardware,
    "workload": _workload,
    "devices": _devices,
}


def offered(one: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of one value, in doubt or not, a list or a range of values."""
    return {"anyOf": [one, in_doubt(one), *_several(one)]}


def _several(one: JsonSchemaValue) -> list[JsonSchemaValue]:
    """The schemas of a list of values and of a range of values."""
    ends = {"from": one, "to": one}
    return [
        {"type": "array", "items": one, "minItems": 1},
        _range({**ends, "step": one}),
        _range({**ends, "factor": NUMERIC}),
    ]


def single(one: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of one value, in doubt or not."""
    return {"anyOf": [one, in_doubt(one)]}


def listed(one: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of one value or a list of values."""
    return {"anyOf": [one, _several(one)[0]]}


def in_doubt(one: JsonSchemaValue) -> JsonSchemaValue:
    """The schema of one value with its plausible range, or with its standard error."""
    ends = {"type": "array", "items": one, "minItems": 2, "maxItems": 2}
    ways = [
        _range({"value": one, name: own}) for name, own in (("plausible", ends), ("error", one))
    ]
    for way in ways:
        way["properties"]["source"] = {"type": "string"}
    return {"anyOf": ways}


def _range(properties: JsonSchemaValue) -> JsonSchemaValue:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def with_unit(unit: str) -> JsonSchemaValue:
    """The schema of a text with a unit of the same dimension as `unit`, a suffix of names."""
    wanted = UNITS[SUFFIXES[unit]]
    symbols = [known.symbol for known in UNITS.values() if known.dimension == wanted.dimension]
    return {
        "type": "string",
        "pattern": f"^{TIMES}{NUMBER} *({'|'.join(symbols)})$",
        "examples": [f"100 {wanted.symbol}"],
    }


# For each validator a function from a key to the name and the schema of one value.
ONE_VALUE: dict[object, Callable[[str], tuple[str, JsonSchemaValue]]] = {
    get_args(Count)[1]: lambda _: ("count", {"type": "integer", "maximum": MAX_COUNT}),
    get_args(Number)[1]: lambda _: ("number", NUMERIC),
    get_args(Bits)[1]: lambda _: ("bits", {"enum": list(BITS)}),
    get_args(Only)[1]: lambda _: ("single", NUMERIC),
    get_args(Reading)[1]: lambda _: ("reading", {"type": "boolean"}),
    get_args(Measure)[1]: lambda key: (
        unit_of(key),
        {"anyOf": [NUMERIC, with_unit(unit_of(key))]},
    ),
    get_args(Quantity)[1]: lambda stem: (
        f"text_in_{unit_of(STEMS[stem])}",
        with_unit(unit_of(STEMS[stem])),
    ),
}


# The form of keys that no axis can be made of, or not by a range.
FORMS = {get_args(Only)[1]: single, get_args(Reading)[1]: single, get_args(Bits)[1]: listed}

OF_A_BOARD: dict[object, JsonSchemaValue] = {
    read_shell_share: single(NUMERIC),
    read_speed_grade: {"enum": list(DSP_MHZ)},
}


class Generator(GenerateJsonSchema):
    """Pydantic's generator with the schemas of our validators; no value of our files is null."""

    def function_plain_schema(
        self, schema: core_schema.PlainValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """That of a board's key, or the empty one: `_hardware` adds what each key accepts."""
        return OF_A_BOARD.get(schema["function"]["function"], {})

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        """The schema of a value, and of its short form: a device's name, one entry of a list."""
        inner = self.generate_inner(schema["schema"])
        if schema["function"]["function"] is board_named:
            return {"anyOf": [{"enum": sorted(boards())}, inner]}
        if schema["function"]["function"] is read_widths:
            return {"anyOf": [inner["items"], *_several(inner["items"])]}
        entries = inner.get("prefixItems") or [inner[key] for key in ("items",) if key in inner]
        return {"anyOf": [entries[0], inner]} if entries else inner

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The schema of the value that is not null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The inner schema, with the default where a file may hold it."""
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        if isinstance(default, tuple) and default:
            default = default[0]  # one size for all sides
        if isinstance(default, Offer):
            default = default.values[0] if default.values else None
        return {**inner, "default": default} if default not in (None, (), "") else inner

    def get_title_from_name(self, name: str) -> str:
        """The label of a key, with its unit."""
        return label(name)
