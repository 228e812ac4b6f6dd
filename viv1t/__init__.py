"""viv1t: digital twins of mouse visual cortex. `viv1t.load(run_dir)` opens a trained one."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["DigitalTwin", "__version__", "load"]

if TYPE_CHECKING:
    from viv1t.insilico.load import load
    from viv1t.insilico.twin import DigitalTwin


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Import `load` and `DigitalTwin` on first use, so that `import viv1t` stays light."""
    if name == "load":
        from viv1t.insilico.load import load

        return load
    if name == "DigitalTwin":
        from viv1t.insilico.twin import DigitalTwin

        return DigitalTwin
    raise AttributeError(f"module 'viv1t' has no attribute {name!r}")
