"""Nested transformers: decoders whose smaller SubNets have the first inner nodes of each block.

"MatFormer: Nested Transformer for Elastic Inference" (NeurIPS 2024) nests the feed-forward width.
A SubNet of Gemma 3n may lack a run of blocks, too.  A block has attention with grouped queries,
over a sliding window or, every few blocks, over the whole context; a low-rank residual ("LAuReL",
arXiv:2411.07501); a gated feed-forward part; and an embedding of the token for this block alone.
Hidden states are several ("Alternating Updates for Efficient Transformers", NeurIPS 2023): one
passes the block, and the others are projected ahead of the first block and behind the last.

A query is one pass: a token that is decoded, or several of a prompt at once.  Products of a matrix
and a token are fully connected layers; of a matrix and several tokens they are 1x1 convolutions
whose pixels are the tokens.  Keys and values are of the request, so no SubNet holds them: scores
and values are layers in groups, one for each head of keys, whose pixels are the query heads that
share it.  What is no product of matrices takes no time: norms, the softmax, rotary positions, the
mix of the hidden states.  Embeddings are rows that are looked up, no weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sushi_dse.bits import INT8_BITS
from sushi_dse.workload.layers import PlainLayer, SuperNet
from sushi_dse.workload.stages import check_allowed, check_numbers, cut_supernet


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedTransformerFamily:
    """A decoder with its sizes, the feed-forward widths that it offers, and the pass of a query.

    `ValueError` unless numbers are above 0, heads divide the query heads, blocks that may be
    skipped are blocks, and the context holds the tokens of the query.
    """

    name: str
    accuracy_of: str  # metric that the accuracies of its SubNets are of
    blocks: int
    hidden_width: int
    query_heads: int
    key_value_heads: int  # each shared by as many query heads
    head_width: int
    key_value_blocks: int  # the first ones: those after them read keys and values of these
    sliding_window: int  # tokens that a block attends to
    full_attention_every: int  # the last of so many blocks attends to the whole context
    ffn_widths: tuple[int, ...]  # the choices
    skippable_blocks: tuple[int, ...] = ()  # from 0; a SubNet has all of them, or none
    low_rank: int  # of the residual beside attention
    block_embedding_width: int  # of the token's embedding for each block
    hidden_states: int  # 2 at least
    vocabulary: int
    context_tokens: int  # that the last token of a query attends to, itself included
    tokens_per_query: int = 1  # that one pass takes: 1 is decoding, more are a part of a prompt
    context_bits: int = INT8_BITS  # of a number in keys and values

    def __post_init__(self) -> None:
        check_numbers(self, beside=("skippable_blocks",))
        if self.hidden_states < 2:
            raise ValueError(f"{self.name}: hidden_states >= 2 must hold, got {self.hidden_states}")
        if self.query_heads % self.key_value_heads:
            raise ValueError(
                f"{self.name}: key_value_heads must divide query_heads, "
                f"got {self.key_value_heads} and {self.query_heads}"
            )
        for block in self.skippable_blocks:
            if not 0 <= block < self.blocks:
                raise ValueError(
                    f"{self.name}: skippable_blocks from 0 to {self.blocks - 1} must hold, "
                    f"got {block}"
                )
        if len(set(self.skippable_blocks)) == self.blocks:
            raise ValueError(f"{self.name}: one block at least must be none of skippable_blocks")
        if self.context_tokens < self.tokens_per_query:
            raise ValueError(
                f"{self.name}: context_tokens >= tokens_per_query must hold, "
                f"got {self.context_tokens} and {self.tokens_per_query}"
            )

    def keys(self, block: int) -> int:
        """Tokens whose keys a block reads in a pass: of several tokens those of all their windows.

        Scores that a mask removes are computed, too.
        """
        if (block + 1) % self.full_attention_every == 0:
            return self.context_tokens
        return min(self.context_tokens, self.sliding_window + self.tokens_per_query - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedTransformerChoice:
    """The feed-forward width of each block that a SubNet has, and whether it lacks some."""

    name: str
    accuracy_percent: float | None = None  # None where it is not known
    ffn_widths: tuple[int, ...]  # [block that the SubNet has]
    skips_blocks: bool = False  # whether it lacks all `skippable_blocks`


def nested_transformer_supernet(
    family: NestedTransformerFamily, choices: Sequence[NestedTransformerChoice]
) -> SuperNet:
    """The SuperNet of `family`, of all blocks at their greatest width, with a SubNet a choice.

    `ValueError` where a SubNet has not one offered width for each of its blocks.
    """
    whole = dict.fromkeys(range(family.blocks), max(family.ffn_widths))
    return cut_supernet(
        family,
        _layers(family, whole),
        [(choice, _layers(family, _width_by_block(family, choice))) for choice in choices],
    )


def _width_by_block(
    family: NestedTransformerFamily, choice: NestedTransformerChoice
) -> dict[int, int]:
    """The feed-forward width of each block of a SubNet, by the number of the block."""
    subnet = f"SubNet {choice.name!r}"
    skipped = family.skippable_blocks if choice.skips_blocks else ()
    if choice.skips_blocks and not skipped:
        raise ValueError(f"{subnet}: skips_blocks must be false where no block is skippable")
    numbers = [block for block in range(family.blocks) if block not in skipped]
    if len(choice.ffn_widths) != len(numbers):
        raise ValueError(
            f"{subnet}: ffn_widths needs {len(numbers)} entries, one for each block that it has, "
            f"got {len(choice.ffn_widths)}"
        )
    for block, width in zip(numbers, choice.ffn_widths, strict=True):
        check_allowed(f"{subnet}: ffn_widths, of block {block}:", width, family.ffn_widths)
    return dict(zip(numbers, choice.ffn_widths, strict=True))


def _layers(family: NestedTransformerFamily, widths: dict[int, int]) -> list[PlainLayer]:
    """The layers of a pass through the blocks whose feed-forward widths are given, by number.

    The first layer reads the embedding of the tokens.  Of the last token alone the next one is
    predicted.
    """
    hidden, others = family.hidden_width, family.hidden_states - 1
    states = _product(
        "states", outputs=others * hidden, inputs=hidden, tokens=family.tokens_per_query
    )
    embeddings = _product(  # Rows of blocks that a SubNet lacks stand behind those of the others.
        "block_embeddings",
        outputs=len(widths) * family.block_embedding_width,
        inputs=hidden,
        tokens=family.tokens_per_query,
        input_from=(states.name,),
    )
    layers = [states, embeddings]
    source = states.name
    for block, width in widths.items():
        layers += _block(family, block, width, source=source, embeddings=embeddings.name)
        source = layers[-1].name
    outputs = [
        _product(f"state{state}", outputs=hidden, inputs=hidden, tokens=1, input_from=(source,))
        for state in range(1, others + 1)
    ]
    read = (source, *(layer.name for layer in outputs))
    head = _product("head", outputs=family.vocabulary, inputs=hidden, tokens=1, input_from=read)
    return [*layers, *outputs, head]


def _block(
    family: NestedTransformerFamily, block: int, width: int, *, source: str, embeddings: str
) -> list[PlainLayer]:
    """The layers of a block that reads the map of the layer `source`."""
    label, tokens, hidden = f"b{block}", family.tokens_per_query, family.hidden_width

    def product(
        name: str,
        outputs: int,
        inputs: int,
        input_from: tuple[str, ...],
        adds: tuple[str, ...] = (),
    ) -> PlainLayer:
        return _product(
            f"{label}.{name}",
            outputs=outputs,
            inputs=inputs,
            tokens=tokens,
            block=label,
            input_from=input_from,
            adds=adds,
        )

    queries = product("queries", family.query_heads * family.head_width, hidden, (source,))
    key_values = [
        product(name, family.key_value_heads * family.head_width, hidden, (source,))
        for name in ("keys", "values")
        if block < family.key_value_blocks
    ]
    attention = _attention(family, block, queries)
    attended = product("attended", hidden, queries.kernels, (attention[-1].name,))
    narrow = product("low_rank_in", family.low_rank, hidden, (source,))
    wide = product("low_rank_out", hidden, family.low_rank, (narrow.name,), (attended.name, source))
    gate = product("ffn_gate", width, hidden, (wide.name,))
    inner = product("ffn_in", width, hidden, (wide.name,))
    down = product("ffn_out", hidden, width, (gate.name, inner.name), (wide.name,))
    embedded = family.block_embedding_width
    chosen = product("embedding_gate", embedded, hidden, (down.name,))
    out = product("embedding_out", hidden, embedded, (chosen.name, embeddings), (down.name,))
    projected = [queries, *key_values, *attention, attended]
    return [*projected, narrow, wide, gate, inner, down, chosen, out]


def _attention(
    family: NestedTransformerFamily, block: int, queries: PlainLayer
) -> list[PlainLayer]:
    """The products of queries with keys, and of their scores with values, which are the request's.

    Keys and values of the pass itself are written to DRAM, and are read with the others.
    """
    heads, keys = family.key_value_heads, family.keys(block)
    both: list[PlainLayer] = []
    for name, outputs, inputs in (
        ("scores", keys, family.head_width),
        ("mixed", family.head_width, keys),
    ):
        both.append(
            PlainLayer(
                name=f"{queries.block}.{name}",
                block=queries.block,
                kernels=heads * outputs,
                channels=heads * inputs,
                kernel_height=1,
                kernel_width=1,
                height=1,
                width=family.tokens_per_query * family.query_heads // heads,
                groups=heads,
                of_request=True,
                weight_bits=family.context_bits,
                input_from=(both[-1].name if both else queries.name,),
            )
        )
    return both


def _product(
    name: str,
    *,
    outputs: int,
    inputs: int,
    tokens: int,
    block: str = "",
    input_from: tuple[str, ...] = (),
    adds: tuple[str, ...] = (),
) -> PlainLayer:
    """The product of a matrix with the vectors of so many tokens."""
    return PlainLayer(
        name=name,
        block=block,
        kernels=outputs,
        channels=inputs,
        kernel_height=1,
        kernel_width=1,
        height=1,
        width=tokens,
        fully_connected=tokens == 1,
        input_from=input_from,
        adds=adds,
    )
