"""The block RAMs and UltraRAMs of a design's buffers, by the width and the depth of each buffer.

A buffer is as many words wide as the array takes in a cycle, and a block has one word of 72 bits a
cycle; so a buffer takes rows of blocks, each row as wide as the buffer.  A word holds the nine
taps of an engine, whose parity bits carry data, or eight bytes: eight channels of a kernel or of a
pixel, or two sums of 32 bits.  `docs/model.md` tells why the buffers are as wide as they are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sushi_dse.bits import BYTE_BITS
from sushi_dse.hardware.accelerator import (
    KERNELS_PER_MULTIPLIER,
    KIB,
    TAPS_PER_ENGINE,
    WORD_BYTES,
    WORD_PIXELS,
    Accelerator,
    Dataflow,
)
from sushi_dse.hardware.designs import Designs

BRAM36_WORDS = 512  # of 72 bits, in simple dual port (AMD UG573)
URAM288_WORDS = 4096  # of 72 bits (AMD UG573)
BLOCK_WORD_BYTES = 9  # of a word of 72 bits
SUMS_PER_WORD = 2  # sums of 32 bits
BRAM36_OF_A_URAM288 = URAM288_WORDS // BRAM36_WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """The words that each buffer of a design reads or writes in a cycle, and the bytes of one.

    Of `Designs` each width is an array, [design], or one value.
    """

    weights: Any  # of the Persistent and of the Dynamic Buffer
    weight_bytes: int  # of a word of these
    inputs: Any  # of the Streaming Buffer
    input_bytes: int
    outputs: Any  # of the Output Buffer, whose words have `WORD_BYTES`


def widths(accelerator: Accelerator | Designs) -> Widths:
    """The widths of the buffers of a design, or of each of many (assumption).

    Weight-stationary, a row of engines loads its kernel's nine taps of each channel in a cycle, a
    1x1 layer streams nine channels to each engine, and each kernel's sum is read and written.
    Output-stationary, a word of weights holds eight channels of each kernel of a pass, and a word
    of a map eight channels of 16 pixels.  That is for weights of eight bits: a buffer of weights is
    as many words wide as those of the multipliers' bits take, and maps have a byte a value always.
    """
    bits = accelerator.multiplier_bits
    if accelerator.dataflow == Dataflow.WEIGHT_STATIONARY:
        return Widths(
            weights=-(-accelerator.pe_channels * bits // BYTE_BITS),
            weight_bytes=TAPS_PER_ENGINE,
            inputs=accelerator.pe_channels,
            input_bytes=TAPS_PER_ENGINE,
            outputs=-(-accelerator.pe_kernels // SUMS_PER_WORD),
        )
    return Widths(
        weights=-(-KERNELS_PER_MULTIPLIER * accelerator.pe_kernels * bits // BYTE_BITS),
        weight_bytes=WORD_BYTES,
        inputs=WORD_PIXELS,
        input_bytes=WORD_BYTES,
        outputs=WORD_PIXELS,
    )


def rows_of(words: Any, block_words: int) -> Any:
    """Rows of blocks of so many words each that hold a buffer of a depth in words."""
    return np.ceil(words / block_words)


def buffer_blocks(accelerator: Accelerator | Designs, bram36: int, uram288: int) -> tuple[Any, Any]:
    """The BRAM36 and URAM288 of all buffers of a design, or of each of many, on such a device.

    The Persistent Buffer takes URAM first, and so does, after it, what of the Dynamic Buffer is
    there to prefetch; the rest of that and the map buffers take BRAM first.  A buffer that one kind
    cannot hold spills into the other, in whole rows; rows of maps that spill are as wide as the
    wider of both map buffers.  All of that is an assumption.  With the same array no larger buffer
    takes fewer blocks of a kind: exact fronts stand on that.
    """
    wide = widths(accelerator)

    def depth(stored_bytes: Any, width: Any, word_bytes: int) -> Any:
        return np.ceil(stored_bytes / (width * word_bytes))

    most_bram, most_uram = bram36 // wide.weights, uram288 // wide.weights  # rows of weights
    bram_rows: Any = 0
    uram_rows: Any = 0
    for stored_bytes in (accelerator.persistent_buffer_bytes, accelerator.prefetch_bytes):
        words = depth(stored_bytes, wide.weights, wide.weight_bytes)
        own = np.minimum(rows_of(words, URAM288_WORDS), most_uram - uram_rows)
        uram_rows = uram_rows + own
        bram_rows = bram_rows + rows_of(np.maximum(words - own * URAM288_WORDS, 0), BRAM36_WORDS)
    running_bytes = accelerator.dynamic_buffer_bytes - accelerator.prefetch_bytes
    words = depth(running_bytes, wide.weights, wide.weight_bytes)
    own = np.minimum(rows_of(words, BRAM36_WORDS), np.maximum(most_bram - bram_rows, 0))
    words = np.maximum(words - own * BRAM36_WORDS, 0)
    spilled = np.minimum(rows_of(words, URAM288_WORDS), most_uram - uram_rows)
    words = np.maximum(words - spilled * URAM288_WORDS, 0)
    bram = (bram_rows + own + rows_of(words, BRAM36_WORDS)) * wide.weights
    uram = (uram_rows + spilled) * wide.weights

    streaming_bytes, output_bytes = (
        np.ceil(kib * KIB)
        for kib in (accelerator.streaming_buffer_kib, accelerator.output_buffer_kib)
    )
    inputs = depth(streaming_bytes, wide.inputs, wide.input_bytes)
    outputs = depth(output_bytes, wide.outputs, WORD_BYTES)
    maps = wide.inputs * rows_of(inputs, BRAM36_WORDS) + wide.outputs * rows_of(
        outputs, BRAM36_WORDS
    )
    lacking = np.maximum(maps - np.maximum(bram36 - bram, 0), 0)
    if not uram288:
        return bram + maps, uram
    wider = np.maximum(wide.inputs, wide.outputs)
    return bram + maps - lacking, uram + wider * rows_of(lacking, BRAM36_OF_A_URAM288 * wider)
