"""What the SubNets of a SuperNet share."""

from sushi_dse.workload.layers import SuperNet


def shared_weight_bytes(supernet: SuperNet, *, convolutions_only: bool = True) -> int:
    """Bytes of int8 weights that all SubNets use: in each layer the first min(k) x min(c).

    `convolutions_only` leaves out the fully connected layers, as the SUSHI paper does.
    """
    of_subnets = [{layer.supernet_layer: layer for layer in s.layers} for s in supernet.subnets]
    total = 0
    for number, whole in enumerate(supernet.layers):
        cuts = [layers[number] for layers in of_subnets if number in layers]
        left_out = convolutions_only and any(layer.fully_connected for layer in cuts)
        left_out = left_out or any(layer.of_request for layer in cuts)
        if len(cuts) < len(of_subnets) or left_out:
            continue
        kernels = min(layer.kernels for layer in cuts)
        channels = min(layer.channels_per_group for layer in cuts)
        total += kernels * channels * whole.kernel_height * whole.kernel_width
    return total
