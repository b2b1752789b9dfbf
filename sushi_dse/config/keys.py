"""The check of a document against a pydantic model, with the line and column of a mistake."""

from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from sushi_dse.config.document import Document, Location, Mark
from sushi_dse.errors import near_names

MAX_SHOWN = 40  # most characters of a wrong value that an error quotes

# The words of our errors by pydantic's type of the mistake.
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
    "tuple_type": "a name or a list of names",
}


class Keys(BaseModel):
    """The keys that a mapping may have: others are refused, and no type is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EntryError(ValueError):
    """The error about an entry within the value of a key.

    `at` is the location of the entry, or of its key, relative to that value.
    """

    def __init__(self, message: str, at: Location = (), *, of_key: bool = False) -> None:
        super().__init__(message)
        self.at = at
        self.of_key = of_key


class MistakeLocation(NamedTuple):
    """The location of a mistake: that of a value, of its key, or of a mapping without a key."""

    location: Location
    of_key: bool = False
    is_gap: bool = False

    def order(self, document: Document) -> Mark:
        """The mark at which a reader meets the mistake: a missing key at the mapping's end."""
        if self.is_gap:
            return document.end_marks[self.location]
        return document.mark(self.location, of_key=self.of_key)


AnyKeys = TypeVar("AnyKeys", bound=Keys)


def checked(document: Document, model: type[AnyKeys]) -> AnyKeys:
    """The document as a `model`; UserError for the first mistake in the order of the file."""
    try:
        return model.model_validate(document.content)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    first = min(mistakes, key=lambda details: _location_of(document, details).order(document))
    found = _location_of(document, first)
    raise document.error(found.location, _message(model, first), of_key=found.of_key)


def _location_of(document: Document, details: ErrorDetails) -> MistakeLocation:
    location, kind = details["loc"], details["type"]
    if kind == "missing":
        return MistakeLocation(location[:-1], is_gap=True)
    if kind == "value_error":
        error = details["ctx"]["error"]
        return MistakeLocation((*location, *error.at), of_key=error.of_key)
    if location not in document.value_marks:  # an entry of the list that one number stands for
        location = location[:-1]
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
    one_of = context.get("expected", "another value")  # the values of a literal
    wanted = f"{name}: {WANTED.get(kind, one_of)} is wanted, got {given}"
    if kind == "string_type" and isinstance(details["input"], int | float):
        wanted += "; put it in quotes"
    return wanted


def quoted_value(value: object) -> str:
    """A value of a file as an error quotes it: short, and a truth value as YAML writes it."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _model_at(model: type[Keys], location: Location) -> type[Keys]:
    """The model of the mapping at `location`, whose list indices do not change the model."""
    for part in location:
        if isinstance(part, str):
            model = _models_in(model.model_fields[part].annotation)[0]
    return model


def _models_in(annotation: Any) -> list[type[Keys]]:
    if isinstance(annotation, type) and issubclass(annotation, Keys):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]
