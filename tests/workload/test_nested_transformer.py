"""Nested transformers: weights of Gemma 3n as published, layer by layer, nesting and mistakes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sushi_dse.config.shipped import shipped_folder
from sushi_dse.config.workload_file import load_workload
from sushi_dse.errors import UserError
from sushi_dse.workload.edges import reads_of
from sushi_dse.workload.layers import SubNet, SuperNet
from sushi_dse.workload.nested_transformer import (
    NestedTransformerChoice,
    NestedTransformerFamily,
    nested_transformer_supernet,
)
from sushi_dse.workload.weights import bits_said, shared_weight_bytes, with_weight_bits

GEMMA = load_workload("gemma_3n").supernet
TEXT = (shipped_folder("workloads") / "gemma_3n.yaml").read_text(encoding="utf-8")

FAMILY = NestedTransformerFamily(
    name="gemma_3n", accuracy_of="MMLU", blocks=35, hidden_width=2048, query_heads=8,
    key_value_heads=2,
    head_width=256, key_value_blocks=20, sliding_window=512, full_attention_every=5,
    ffn_widths=(8192, 16384), skippable_blocks=(20, 21, 22, 23, 24), low_rank=64,
    block_embedding_width=256, hidden_states=4, vocabulary=262400, context_tokens=1024,
)  # fmt: skip
CHOICES = [
    NestedTransformerChoice(name="E4B", accuracy_percent=62.3, ffn_widths=(16384,) * 35),
    NestedTransformerChoice(
        name="E2B", accuracy_percent=50.9, ffn_widths=(8192,) * 30, skips_blocks=True
    ),
]

# By SubNet: MMLU in percent, the parameters that its notebook counts, blocks, sum of their widths.
PUBLISHED = {
    "E4B": (62.3, 3980491248, 35, 35 * 16384),
    "E2.54B": (55.4, 2520873456, 35, 29 * 8192 + 6 * 16384),
    "E1.96B": (53.4, 1955827296, 30, 29 * 8192 + 16384),
    "E2B": (50.9, 1905495648, 30, 30 * 8192),
}
HIDDEN, HEAD_WEIGHTS = 2048, 262400 * 2048
# Of a block: six norms of the hidden width and two of a head, and the mix of four hidden states: a
# scale, a router to four of them with its norm, and matrices of 4 x 16 and 4 x 4.
VECTORS_OF_A_BLOCK = 6 * HIDDEN + 2 * 256 + (HIDDEN + 4 * HIDDEN + HIDDEN + 4 * 16 + 4 * 4)
VECTORS = HIDDEN + 256  # the norm at the end, and that of the embeddings of blocks
UNUSED_OF_A_BLOCK = 2 * 512 * HIDDEN  # projections to keys and values that are another block's

Counted = tuple[int, int, int]
"""Outputs, inputs that each sums over, and vectors that are multiplied."""


def decoded(widths: dict[int, int], context: int) -> Iterator[Counted]:
    """The products for one token, of the blocks of those feed-forward widths, by number."""
    yield 3 * 2048, 2048, 1
    yield 256 * len(widths), 2048, 1
    for block, width in widths.items():
        yield 2048, 2048, 1
        if block < 20:
            yield from [(512, 2048, 1)] * 2
        keys = context if block % 5 == 4 else min(context, 512)
        yield 2 * keys, 256, 4
        yield 512, keys, 4
        yield 2048, 2048, 1
        yield from [(64, 2048, 1), (2048, 64, 1)]
        yield from [(width, 2048, 1), (width, 2048, 1), (2048, width, 1)]
        yield from [(256, 2048, 1), (2048, 256, 1)]
    yield from [(2048, 2048, 1)] * 3
    yield 262400, 2048, 1


def gemma(**changes: Any) -> SuperNet:
    """E4B and E2B, with other sizes where `changes` names them."""
    return nested_transformer_supernet(replace(FAMILY, **changes), CHOICES)


def counted(subnet: SubNet) -> list[Counted]:
    assert all(layer.output_height == 1 for layer in subnet.layers)
    return [(x.kernels, x.channels_per_group, x.output_width) for x in subnet.layers]


@pytest.mark.parametrize("name", PUBLISHED)
def test_weights_are_those_that_the_notebook_counts(name: str) -> None:
    accuracy_percent, parameters, blocks, _ = PUBLISHED[name]
    subnet = GEMMA.subnet(name)
    assert subnet.accuracy_percent == accuracy_percent
    unused = UNUSED_OF_A_BLOCK * (blocks - 20)
    beside = VECTORS + blocks * VECTORS_OF_A_BLOCK + unused
    assert subnet.weight_bytes - HEAD_WEIGHTS + beside == parameters


@pytest.mark.parametrize("name", PUBLISHED)
def test_feed_forward_blocks_have_three_matrices_of_their_width(name: str) -> None:
    _, _, blocks, widths = PUBLISHED[name]
    inner = [layer.kernels for layer in GEMMA.subnet(name).layers if "ffn_in" in layer.name]
    assert (len(inner), sum(inner)) == (blocks, widths)
    weights = sum(x.weight_bytes for x in GEMMA.subnet(name).layers if "ffn" in x.name)
    assert weights == 3 * HIDDEN * widths


@pytest.mark.parametrize("context", [1, 300, 1024])
def test_the_largest_and_the_smallest_are_the_model_layer_by_layer(context: int) -> None:
    largest = dict.fromkeys(range(35), 16384)
    smallest = dict.fromkeys([*range(20), *range(25, 35)], 8192)
    for name, widths in (("E4B", largest), ("E2B", smallest)):
        subnet = gemma(context_tokens=context).subnet(name)
        products = list(decoded(widths, context))
        assert counted(subnet) == products
        assert subnet.macs == sum(k * c * n for k, c, n in products)
        of_request = sum(layer.macs for layer in subnet.layers if layer.of_request)
        assert subnet.macs - of_request == subnet.weight_bytes  # Each weight serves a token once.


def test_the_shipped_file_is_the_family_of_these_sizes() -> None:
    assert gemma().layers == GEMMA.layers
    assert [gemma().subnet(name) == GEMMA.subnet(name) for name in ("E4B", "E2B")] == [True, True]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_largest_subnet_holds_every_other_one_whole(name: str) -> None:
    subnet, largest = GEMMA.subnet(name), GEMMA.subnet("E4B")
    pair = replace(GEMMA, subnets=(subnet, largest) if name != "E4B" else (largest,))
    assert shared_weight_bytes(pair, convolutions_only=False) == subnet.weight_bytes
    skipped = {"b20", "b21", "b22", "b23", "b24"} if PUBLISHED[name][2] == 30 else set()
    assert {layer.block for layer in largest.layers} - {x.block for x in subnet.layers} == skipped


def test_the_smallest_is_what_all_share_and_keys_and_values_are_shared_by_none() -> None:
    smallest = GEMMA.subnet("E2B")
    assert shared_weight_bytes(GEMMA, convolutions_only=False) == smallest.weight_bytes
    for subnet in GEMMA.subnets:
        attention = [layer for layer in subnet.layers if layer.kind == "attention"]
        assert len(attention) == 2 * PUBLISHED[subnet.name][2]
        assert all(layer.of_request and layer.weight_bytes == 0 for layer in attention)


@given(st.integers(1, 2000), st.integers(1, 40))
def test_layers_chain_for_any_context_and_number_of_tokens(context: int, tokens: int) -> None:
    subnet = gemma(context_tokens=max(context, tokens), tokens_per_query=tokens).subnets[1]
    for layer, reads in zip(subnet.layers, reads_of(subnet.layers), strict=True):
        for number in reads.inputs:
            made = subnet.layers[number]
            if layer.output_width == made.output_width and "embeddings" not in made.name:
                assert layer.channels in (made.kernels, 2048)
        if layer.of_request:  # Heads that share their keys are as many pixels.
            (number,) = reads.inputs
            assert layer.input_bytes == subnet.layers[number].output_bytes


def test_tokens_of_one_pass_multiply_the_work_of_the_blocks_and_read_each_weight_once() -> None:
    one, many = (gemma(context_tokens=512, tokens_per_query=n).subnet("E2B") for n in (1, 64))
    assert one.weight_bytes == many.weight_bytes
    for single, several in zip(one.layers, many.layers, strict=True):
        of_last_token = single.name == "head" or single.name.startswith("state")
        times = 1 if of_last_token and single.name != "states" else 64
        assert several.macs == times * single.macs


@pytest.mark.parametrize("bits", [4, 8])
def test_keys_and_values_have_bits_of_their_own(bits: int) -> None:
    supernet = with_weight_bits(gemma(context_bits=8), bits)
    for layer in supernet.subnets[0].layers:
        assert layer.weight_bits == (8 if layer.of_request else bits)
    assert bits_said(supernet) == f"{bits}"
    assert 8 * supernet.subnets[0].weight_bytes == bits * gemma().subnets[0].weight_bytes


def test_several_tokens_read_the_keys_of_all_their_windows() -> None:
    family = replace(FAMILY, context_tokens=4096, tokens_per_query=64)
    assert (family.keys(0), family.keys(4)) == (512 + 63, 4096)
    assert replace(family, context_tokens=300).keys(0) == 300


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("context_tokens: 1024", "context_tokens: 0", "context_tokens > 0 must hold, got 0"),
        ("tokens_per_query: 1", "tokens_per_query: 2000",
         "context_tokens >= tokens_per_query must hold, got 1024 and 2000"),
        ("ffn_widths: [8192, 16384]", "ffn_widths: [4096, 8192]",
         "SubNet 'E4B': ffn_widths, of block 0: 16384 is not a choice; allowed: 4096, 8192"),
        ("ffn_widths: [8192, 16384]", "ffn_widths: [6144, 16384]",
         "SubNet 'E2.54B': ffn_widths, of block 0: 8192 is not a choice; allowed: 6144, 16384"),
        ("[20, 21, 22, 23, 24]", "[20, 21, 22, 23, 35]",
         "skippable_blocks from 0 to 34 must hold, got 35"),
        ("[20, 21, 22, 23, 24]", "[20, 21, 22, 23]",
         "SubNet 'E1.96B': ffn_widths needs 31 entries, one for each block that it has, got 30"),
        ("skippable_blocks: [20, 21, 22, 23, 24]\n", "",
         "SubNet 'E1.96B': skips_blocks must be false where no block is skippable"),
        ("query_heads: 8", "query_heads: 9",
         "key_value_heads must divide query_heads, got 2 and 9"),
        ("hidden_states: 4", "hidden_states: 1", "hidden_states >= 2 must hold, got 1"),
        ("context_bits: 8", "context_bits: 6", "context_bits: 4, 8 or 16 is wanted, got 6"),
        ("vocabulary: 262400", "vocabulary: 0", "vocabulary > 0 must hold, got 0"),
        ("blocks: 35", "blocks: 3000", "blocks <= 300 must hold, got 3000"),
        ("low_rank: 64", "low_rnk: 64", "unknown key 'low_rnk'; did you mean 'low_rank'"),
        ("skips_blocks: true", "skipped: true", "unknown key 'skipped'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_one_line_with_its_place(
    old: str, new: str, wrong: str, tmp_path: Path
) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    (tmp_path / "my.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"my\.yaml:\d+:\d+: ") as refused:
        load_workload(tmp_path / "my.yaml")
    assert wrong in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_family_has_a_block_that_none_may_skip() -> None:
    with pytest.raises(ValueError, match="one block at least must be none of skippable_blocks"):
        replace(FAMILY, skippable_blocks=tuple(range(35)))
