"""torch.compile with a way back: a model whose core does not compile goes on without."""

import logging
from collections.abc import Callable

from torch import Tensor

from viv1t.model.cores.base import Core

logger = logging.getLogger(__name__)


class CompiledCore:
    """Runs a compiled core; if it turns out not to compile, logs one line and runs it as it is.

    PyTorch compiles on the first call, so only then is it known whether there is a compiler.

    Args:
        core: the core; compiled in place, its state_dict keys stay.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.is_compiled = True
        core.compile_core()

    def __call__(self, run: Callable[[], Tensor]) -> Tensor:
        """The result of `run`, which calls the core."""
        if not self.is_compiled:
            return run()
        from torch._dynamo.exc import TorchDynamoException

        try:
            return run()
        except TorchDynamoException as error:
            reason = str(error).strip().splitlines()[0]
            logger.warning("--compile does not work here, going on without it (%s)", reason)
        self.is_compiled = False
        for module in self.core.modules():
            module._compiled_call_impl = None
        return run()
