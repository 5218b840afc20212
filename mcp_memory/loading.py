"""The only lazy import of the house: a dotted name becomes an object when it is first needed.

The stdio server must answer before numpy, onnxruntime or a database driver is loaded, so whatever is not
needed for the first answer is named in a table and loaded here.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def load(name: str) -> Any:
    """Return the object that ``package.module:attribute`` names.

    Raises:
        ImportError: the module is not installed.
        AttributeError: the module has no such attribute.
    """
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
