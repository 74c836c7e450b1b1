"""A sample DSpace repository on the loopback address, in six versions, for the demo, the tests and the benchmark."""

from .collections import laboratory, library
from .costs import FREE, Costs
from .faults import Fault, Faults
from .grow import grow, grow_large
from .model import Repository
from .records import Bitstream, Bundle, Collection, Community, Item, Value
from .server import SampleRepository

__all__ = [
    "FREE",
    "Bitstream",
    "Bundle",
    "Collection",
    "Community",
    "Costs",
    "Fault",
    "Faults",
    "Item",
    "Repository",
    "SampleRepository",
    "Value",
    "grow",
    "grow_large",
    "laboratory",
    "library",
]
