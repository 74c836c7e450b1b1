"""The DSpace servers of the matrix: a generation, and the API that an import reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Api(StrEnum):
    """An API, or two side by side."""

    LEGACY = "REST of 4 to 6"
    HAL = "REST"
    OAI = "OAI-PMH alone"
    BESIDE = "OAI-PMH beside REST"


@dataclass(frozen=True)
class Setup:
    """A generation of DSpace and its API."""

    generation: int
    api: Api


SETUPS = {
    "4": Setup(4, Api.LEGACY),
    "6": Setup(6, Api.LEGACY),
    "7": Setup(7, Api.HAL),
    "9": Setup(9, Api.HAL),
    "6 OAI-PMH alone": Setup(6, Api.OAI),
    "9 OAI-PMH alone": Setup(9, Api.OAI),
    "9 OAI-PMH beside REST": Setup(9, Api.BESIDE),
}
