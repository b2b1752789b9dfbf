"""The keys of a hardware file, and what each may hold."""

import re
from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo

from sushi_dse.bits import BITS, INT8_BITS
from sushi_dse.config.boards import Board, board_named
from sushi_dse.config.choices import (
    Offer,
    Read,
    offer,
    read_count,
    read_measure,
    read_number,
    read_quantity,
    read_reading,
)
from sushi_dse.config.document import Location
from sushi_dse.config.keys import EntryError, Keys, quoted_value
from sushi_dse.errors import near_names
from sushi_dse.hardware.accelerator import (
    FIELDS_OF,
    MOST_OF_A_KIND,
    OWN_FIELDS,
    Accelerator,
    Dataflow,
    Device,
)
from sushi_dse.hardware.evidence import OPERATORS, Evidence
from sushi_dse.hardware.space import AXIS_ORDER
from sushi_dse.hardware.timing import LOGIC_MHZ, Coding
from sushi_dse.units import unit_of

# Keys without their unit, for a text that has one; `dram` is the bandwidth.
STEMS = {
    "clock": "clock_mhz",
    "port_clock": "port_clock_mhz",
    "dram": "dram_gb_per_s",
    "persistent_buffer": "persistent_buffer_kib",
    "dynamic_buffer": "dynamic_buffer_kib",
    "prefetch_buffer": "prefetch_buffer_kib",
    "streaming_buffer": "streaming_buffer_kib",
    "output_buffer": "output_buffer_kib",
    "launch": "launch_us",
    "mac": "mac_pj",
    "static": "static_w",
}
KIND = re.compile(r"fc|(conv|grouped|dwconv)([1-9]\d{0,2}x[1-9]\d{0,2})?")  # of layers
# The dataflow of the fields that only one has.
DATAFLOW_OF = {field: dataflow for dataflow, own in OWN_FIELDS.items() for field in own}


def _any_accelerator(dataflow: Dataflow) -> Accelerator:
    """An accelerator of that dataflow, to try single fields on."""
    ones: dict[str, Any] = {name: 1 for name in AXIS_ORDER if name in FIELDS_OF[dataflow]}
    ones["multiplier_bits"] = INT8_BITS
    if dataflow == Dataflow.WEIGHT_STATIONARY:
        ones["dynamic_buffer_tiles"] = 2
    device = Device(name="", lut=1, ff=1, bram36=1, uram288=1, dsp=1)
    return Accelerator(
        name="",
        device=device,
        dataflow=dataflow,
        logic_mhz=1.0,
        layer_by_layer=False,
        **ones,
    )


ANY_ACCELERATOR = {dataflow: _any_accelerator(dataflow) for dataflow in Dataflow}


def _allowed(field: str, value: object, read: Read) -> Offer:
    """What a key offers for `field`; each value and each end is one that an Accelerator takes."""
    found = offer(value, read)
    doubt = found.doubt
    values = (*found.values, *((doubt.low, doubt.high) if doubt else ()))
    if field == "dynamic_buffer_tiles" and max(values) > MOST_OF_A_KIND:
        raise EntryError(f"{field} <= {MOST_OF_A_KIND:g} must hold, got {max(values):g}")
    for end in (min(values), max(values)):  # an Accelerator's bounds are intervals
        tried: dict[str, Any] = {field: end}
        try:
            replace(ANY_ACCELERATOR[DATAFLOW_OF.get(field, Dataflow.WEIGHT_STATIONARY)], **tried)
        except ValueError as error:
            raise EntryError(str(error), _place(found, values.index(end), value)) from None
    return found


def _place(found: Offer, index: int, value: object) -> Location:
    """The location in `value` of one of the values, or of an end of their plausible range."""
    if found.doubt is None:
        return (index,) if isinstance(value, list) else ()
    if index and found.doubt.error is not None:
        return ("error",)
    return ("plausible", index - 1) if index else ("value",)


def _dataflow(value: object) -> Dataflow:
    """The dataflow of that name; EntryError for an unknown one."""
    names = [str(dataflow) for dataflow in Dataflow]
    if value not in names:
        raise EntryError(f"unknown dataflow {quoted_value(value)}; {near_names(str(value), names)}")
    return Dataflow(str(value))


def _coding(value: object) -> Coding:
    """How a design was written; EntryError for an unknown word."""
    names = [str(coding) for coding in Coding]
    if value not in names:
        raise EntryError(f"unknown coding {quoted_value(value)}; {near_names(str(value), names)}")
    return Coding(str(value))


def _evidence(value: object) -> dict[str, Evidence]:
    """The evidence for each kind of layers; EntryError for an unknown kind or evidence."""
    if not isinstance(value, dict):
        raise EntryError(f"kinds of layers are wanted, as conv3x3: measured, got {value!r:.40}")
    known = [str(evidence) for evidence in Evidence]
    for kind, given in value.items():
        if not KIND.fullmatch(str(kind)):
            message = f"unknown kind of layers {quoted_value(kind)}; write {', '.join(OPERATORS)}, "
            raise EntryError(f"{message}or such with its kernel, as conv3x3", (kind,), of_key=True)
        if given not in known:
            message = f"unknown evidence {quoted_value(given)}; write {', '.join(known)}"
            raise EntryError(message, (kind,))
    return {str(kind): Evidence(given) for kind, given in value.items()}


def _field(info: ValidationInfo) -> str:
    return str(info.field_name)


def _only(value: object, info: ValidationInfo) -> Offer:
    """A number that no file makes an axis of."""
    found = _number(value, info)
    if len(found.values) > 1 or isinstance(value, list):
        raise EntryError(f"{info.field_name}: one number is wanted, got {len(found.values)}")
    return found


def _reading(value: object, info: ValidationInfo) -> Offer:
    """A setting of two readings, of which one may be in doubt."""
    found = offer(value, read_reading)
    if len(found.values) > 1 or isinstance(value, list):
        raise EntryError(f"{info.field_name}: true or false is wanted, got {quoted_value(value)}")
    return found


def _count(value: object, info: ValidationInfo) -> Offer:
    return _allowed(_field(info), value, read_count)


def _bits(value: object) -> Offer:
    """Bits of multipliers: one number, or a list; EntryError for others."""
    for place, bits in enumerate(value if isinstance(value, list) else [value]):
        if isinstance(bits, bool) or bits not in BITS:
            where = (place,) if isinstance(value, list) else ()
            wanted = "4, 8 or 16 is wanted, or a list of them"
            raise EntryError(f"{wanted}, got {quoted_value(bits)}", where)
    return offer(value, read_count)


def _number(value: object, info: ValidationInfo) -> Offer:
    return _allowed(_field(info), value, read_number)


def _measure(value: object, info: ValidationInfo) -> Offer:
    unit = unit_of(_field(info))
    return _allowed(_field(info), value, lambda entry: read_measure(entry, unit))


def _quantity(value: object, info: ValidationInfo) -> Offer:
    stem, field = _field(info), STEMS[_field(info)]
    return _allowed(field, value, lambda entry: read_quantity(entry, stem, unit_of(field)))


Count = Annotated[Offer, PlainValidator(_count)]  # whole numbers
Bits = Annotated[Offer, PlainValidator(_bits)]  # of a multiplier
Number = Annotated[Offer, PlainValidator(_number)]  # without a unit
Measure = Annotated[Offer, PlainValidator(_measure)]  # numbers in the key's unit, or with a unit
Quantity = Annotated[Offer, PlainValidator(_quantity)]  # texts with a unit
Only = Annotated[Offer, PlainValidator(_only)]  # one number
Reading = Annotated[Offer, PlainValidator(_reading)]  # true or false


NOTHING = Offer(())  # of a key that a file leaves out


class HardwareKeys(Keys):
    """The keys of a hardware file; what a file leaves out comes from the one that it extends."""

    extends: str | None = None
    description: str = ""
    assumptions: list[str] = Field(default_factory=list)
    device: Annotated[Board | None, BeforeValidator(board_named)] = None
    coding: Annotated[Coding | None, BeforeValidator(_coding)] = None
    logic_mhz: Only = NOTHING
    dataflow: Annotated[Dataflow, BeforeValidator(_dataflow)] = Dataflow.WEIGHT_STATIONARY
    evidence: Annotated[dict[str, Evidence], BeforeValidator(_evidence)] = Field(
        default_factory=dict
    )
    layer_by_layer: bool = False
    pointwise_drain: Reading = Offer((False,))
    pe_kernels: Count = NOTHING
    pe_channels: Count = NOTHING
    pe_pixels: Count = NOTHING
    multiplier_bits: Bits = NOTHING
    clock_mhz: Measure = NOTHING
    clock: Quantity = NOTHING
    port_clock_mhz: Measure = NOTHING
    port_clock: Quantity = NOTHING
    port_bytes_per_cycle: Number = NOTHING
    dram_gb_per_s: Measure = NOTHING
    dram: Quantity = NOTHING
    dram_efficiency: Number = NOTHING
    persistent_buffer_kib: Measure = NOTHING
    persistent_buffer: Quantity = NOTHING
    dynamic_buffer_tiles: Count = NOTHING
    dynamic_buffer_kib: Measure = NOTHING
    dynamic_buffer: Quantity = NOTHING
    prefetch_buffer_kib: Measure = NOTHING
    prefetch_buffer: Quantity = NOTHING
    streaming_buffer_kib: Measure = NOTHING
    streaming_buffer: Quantity = NOTHING
    output_buffer_kib: Measure = NOTHING
    output_buffer: Quantity = NOTHING
    launch_us: Measure = NOTHING
    launch: Quantity = NOTHING
    fill_cycles: Number = NOTHING
    drain_cycles: Number = NOTHING
    pixel_fill_cycles: Number = NOTHING
    weight_delay_cycles: Number = NOTHING
    read_ahead_cycles: Number = NOTHING
    tile_read_cycles: Number = NOTHING
    dram_pj_per_bit: Measure = NOTHING
    mac_pj: Measure = NOTHING
    mac: Quantity = NOTHING
    static_w: Measure = NOTHING
    static: Quantity = NOTHING
    memory_w: Measure = NOTHING
    bram36_mw: Measure = NOTHING
    uram288_mw: Measure = NOTHING
    clock_pj_per_ff: Number = NOTHING

    def settings(self) -> dict[str, Any]:
        """What the file sets, by the field's full name; of a number, an `Offer`.

        How a design was written says what clock its logic attains, unless the file does.
        """
        found = {STEMS.get(key, key): getattr(self, key) for key in self.model_fields_set}
        coding = found.pop("coding", None)
        if coding is not None and "logic_mhz" not in found:
            doubt = LOGIC_MHZ[coding]
            found["logic_mhz"] = Offer((doubt.value,), doubt)
        return found
