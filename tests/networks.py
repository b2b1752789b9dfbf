"""Networks by name, and of plain layers."""

from functools import cache

from sushi_dse.config.workload_file import load_workload
from sushi_dse.model.network import Network
from sushi_dse.workload.accuracy import AccuracyModel
from sushi_dse.workload.layers import PlainLayer
from sushi_dse.workload.plain import PlainSubNet, plain_supernet


@cache
def workload(name: str) -> Network:
    return Network.of(load_workload(name).supernet)


def accuracy_model(name: str) -> AccuracyModel:
    """The accuracy model of a workload that has one."""
    model = load_workload(name).accuracy_model
    assert model is not None
    return model


def connected(*widths: int) -> Network:
    """Fully connected layers from the first width to the last."""
    layers = tuple(
        PlainLayer(
            name=f"fc{i}",
            kernels=widths[i + 1],
            channels=widths[i],
            kernel_height=1,
            kernel_width=1,
            height=1,
            width=1,
            fully_connected=True,
        )
        for i in range(len(widths) - 1)
    )
    return network_of(PlainSubNet(name="whole", accuracy_percent=80.0, layers=layers))


def network_of(*subnets: PlainSubNet) -> Network:
    return Network.of(plain_supernet("plain", subnets, accuracy_of="top-1"))
