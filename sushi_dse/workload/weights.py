"""The weights that SubNets share, and the same SubNets with weights of other bits."""

from dataclasses import replace

from sushi_dse.bits import BITS, whole_bytes
from sushi_dse.errors import UserError
from sushi_dse.workload.layers import SuperNet


def shared_weight_bytes(supernet: SuperNet, *, convolutions_only: bool = True) -> int:
    """Bytes of the weights that all SubNets use: in each layer the first min(k) x min(c).

    `convolutions_only` leaves out the fully connected layers, as the SUSHI paper does.
    """
    of_subnets = [{layer.supernet_layer: layer for layer in s.layers} for s in supernet.subnets]
    total = 0
    for number, whole in enumerate(supernet.layers):
        cuts = [layers[number] for layers in of_subnets if number in layers]
        left_out = any(
            layer.of_request or (convolutions_only and layer.fully_connected) for layer in cuts
        )
        if len(cuts) < len(of_subnets) or left_out:
            continue
        kernels = min(layer.kernels for layer in cuts)
        channels = min(layer.channels_per_group for layer in cuts)
        weights = kernels * channels * whole.kernel_height * whole.kernel_width
        total += whole_bytes(weights * whole.weight_bits)
    return total


def bits_said(supernet: SuperNet) -> str:
    """The bits of a weight in words: one number, or those that differ by layer."""
    every = (layer for subnet in supernet.subnets for layer in subnet.layers)
    bits = {layer.weight_bits for layer in every if not layer.of_request}
    return " and ".join(map(str, sorted(bits)))


def with_weight_bits(supernet: SuperNet, bits: int) -> SuperNet:
    """The SuperNet with so many bits to each weight of each layer, but for those of a request.

    `ValueError` where that is none of `BITS`.
    """
    every = [layer for subnet in supernet.subnets for layer in subnet.layers]
    bits_of = {x.supernet_layer: x.weight_bits for x in every if x.of_request}
    return replace(
        supernet,
        layers=tuple(
            replace(layer, weight_bits=bits_of.get(number, bits))
            for number, layer in enumerate(supernet.layers)
        ),
        subnets=tuple(
            replace(
                subnet,
                layers=tuple(
                    replace(x, weight_bits=bits_of.get(x.supernet_layer, bits))
                    for x in subnet.layers
                ),
            )
            for subnet in supernet.subnets
        ),
    )


def at_other_bits(supernet: SuperNet, bits: int) -> SuperNet:
    """`with_weight_bits`, with a caveat that its accuracies are carried over from its own bits.

    `UserError` where weights cannot have so many bits.
    """
    own = bits_said(supernet)
    if own == str(bits):
        return supernet
    if bits not in BITS:
        raise UserError(f"--weight-bits {bits}: give one of {', '.join(map(str, BITS))}")
    caveat = (
        f"weights count {bits} bits, and accuracies are those at {own}: carried over, as nobody "
        f"measured them at {bits} (assumption)"
    )
    return replace(with_weight_bits(supernet, bits), caveats=(*supernet.caveats, caveat))
