"""The keys of a file checked against a pydantic model, each mistake with its line and column."""

from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sushi_dse.config.document import Document, Location, Mark
from sushi_dse.errors import near_names

MAX_SHOWN = 40  # characters of a wrong value

# pydantic's kinds of mistake in the words of our errors
BOUNDS = {
    "greater_than": (">", "gt"),
    "greater_than_equal": (">=", "ge"),
    "less_than_equal": ("<=", "le"),
}
LENGTHS = {
    "too_short": ("write at least", "min_length"),
    "too_long": ("write at most", "max_length"),
}
WANTED = {
    "bool_type": "true or false",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "is_instance_of": "a list",
    "list_type": "a list",
    "model_type": "a mapping of keys to values",
    "string_type": "a text",
}


class Keys(BaseModel):
    """Keys that a mapping may have; any other is refused, and no type is turned into another."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EntryError(ValueError):
    """A wrong entry within the value of a key: `at` leads from that value to it, or to its key."""

    def __init__(self, message: str, at: Location = (), *, of_key: bool = False) -> None:
        super().__init__(message)
        self.at = at
        self.of_key = of_key


class MistakeLocation(NamedTuple):
    """Where a mistake is in a document: at a value, at its key, or where a key is missing."""

    location: Location
    of_key: bool = False
    is_gap: bool = False

    def order(self, document: Document) -> Mark:
        """Where it is met in reading the file: that a key is missing, at the mapping's end."""
        if self.is_gap:
            return document.end_marks[self.location]
        return document.mark(self.location, of_key=self.of_key)


AnyKeys = TypeVar("AnyKeys", bound=Keys)


def checked(document: Document, model: type[AnyKeys]) -> AnyKeys:
    """The file's keys as `model`; UserError for the first mistake in the order of the file."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    first = min(mistakes, key=lambda details: _location_of(details).order(document))
    found = _location_of(first)
    raise document.error(found.location, _message(model, first), of_key=found.of_key)


def _location_of(details: ErrorDetails) -> MistakeLocation:
    location, kind = details["loc"], details["type"]
    if kind == "missing":
        return MistakeLocation(location[:-1], is_gap=True)
    if kind == "value_error":
        error = details["ctx"]["error"]
        return MistakeLocation((*location, *error.at), of_key=error.of_key)
    return MistakeLocation(location, of_key=kind == "extra_forbidden")


def _message(model: type[Keys], details: ErrorDetails) -> str:
    location = details["loc"]
    kind, key = details["type"], str(location[-1]) if location else ""
    if kind == "extra_forbidden":
        known = _model_at(model, location[:-1]).model_fields
        return f"unknown key {key!r}; {near_names(key, known)}"
    if kind == "missing":
        return f"the key {key!r} is missing here; add it"
    name = next((str(part) for part in reversed(location) if isinstance(part, str)), "")
    if kind == "value_error":
        error = details["ctx"]["error"]
        return str(error) if name in str(error) else f"{name}: {error}"
    given, context = quoted_value(details["input"]), details.get("ctx", {})
    if kind in BOUNDS:
        sign, bound = BOUNDS[kind]
        return f"{name} {sign} {context[bound]:g} must hold, got {given}"
    if kind in LENGTHS:
        words, bound = LENGTHS[kind]
        return f"{name}: {words} {context[bound]} entries, got {context['actual_length']}"
    wanted = f"{name}: {WANTED.get(kind, 'another value')} is wanted, got {given}"
    if kind == "string_type" and isinstance(details["input"], int | float):
        wanted += "; put it in quotes"
    return wanted


def quoted_value(value: object) -> str:
    """A value of a file as an error shows it: short, and a truth value as YAML writes it."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _model_at(model: type[Keys], location: Location) -> type[Keys]:
    """The model of the mapping at `location`: list indices lead to no other model."""
    for part in location:
        if isinstance(part, str):
            model = _models_in(model.model_fields[part].annotation)[0]
    return model


def _models_in(annotation: Any) -> list[type[Keys]]:
    if isinstance(annotation, type) and issubclass(annotation, Keys):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
