"""Networks on a CPU by OpenVINO, which computes 3-D convolutions about twice as fast as PyTorch.

`make bench-openvino` measures the gain; outputs differ in the last digits of
float32. On a GPU, PyTorch computes.
"""

import logging
import sys
import warnings
from typing import Any

import torch
from torch import nn

log = logging.getLogger(__name__)

# Voxels of a batch from which on a graph is read off the network without computing it. That takes
# 4 s, in which a small patch is computed many times.
SMALL_INPUT = 500_000


class OpenVinoNetwork(nn.Module):
    """A network that OpenVINO computes in float32 on a CPU, compiled once for each shape of input.

    Parameters
    ----------
    network : torch.nn.Module
        Any network with one input and one output, in evaluation mode. It computes itself, with a
        warning, where it has an operation that OpenVINO does not know.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.compiled: dict[torch.Size, Any] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the outputs (batch, channel, z, y, x) of a float32 batch in main memory."""
        if x.shape not in self.compiled:
            self.compiled[x.shape] = _compile(self.network, x)
        compiled = self.compiled[x.shape]
        if compiled is None:
            output: torch.Tensor = self.network(x)
            return output
        return torch.from_numpy(compiled(x.contiguous().numpy())[0])


def fast_network(network: nn.Module, device: torch.device) -> nn.Module:
    """Put a network in evaluation mode on its device; on a CPU as an `OpenVinoNetwork`."""
    network = network.eval().to(device)
    return OpenVinoNetwork(network) if device.type == "cpu" else network


def _compile(network: nn.Module, x: torch.Tensor) -> Any:
    """Compile the network for inputs like `x`; None where OpenVINO lacks one of its operations."""
    # OpenVINO reports its use to its makers where this package is installed beside it. Nothing
    # that runs beside patients' data may; with None in its place OpenVINO takes it for missing.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    root = logging.getLogger()
    level, filters, handlers = root.level, root.filters[:], root.handlers[:]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of sizes that become constants, as they are meant to
        graph: Any
        if x.numel() < SMALL_INPUT:  # the check would compute the network three times more
            graph = torch.jit.trace(network, torch.zeros_like(x), check_trace=False)
        else:
            graph = torch.export.export(network, (torch.zeros_like(x),))
        try:
            model = openvino.convert_model(graph, example_input=x)
        except openvino.frontend.OpConversionFailure as error:
            root.level, root.filters, root.handlers = level, filters, handlers  # it leaves its own
            log.warning("OpenVINO cannot compute this network, so PyTorch does, slower: %s", error)
            return None
    model.reshape(list(x.shape))
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "NUM_STREAMS": 1,
    }
    return openvino.compile_model(model, "CPU", settings)
