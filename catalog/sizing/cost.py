"""How long a cold start takes, and what the machine costs."""

from dataclasses import dataclass

from catalog.engines import engines
from catalog.hardware import Offer, cold_start
from catalog.sizing.fit import Fit
from catalog.sizing.speed import tokens_per_second

HOURS_A_MONTH = 730
"""8,760 hours a year over twelve, as Azure's price calculator counts."""


@dataclass(frozen=True)
class ColdStart:
    """From nothing to the first answer, in seconds; each part on its own."""

    node: float
    """Until a rented machine takes work."""
    image: float
    download: float
    """Of the model's files. A conversion that the kit makes itself comes on top, once."""
    load: float
    """Weights into memory, then the engine's own start."""

    @property
    def total(self) -> float:
        """All parts, one after the other."""
        return self.node + self.image + self.download + self.load


def cold_start_of(found: Fit) -> ColdStart | None:
    """An estimate from rates measured on Azure (catalog/hardware.yaml, coldStart); None for a machine that is
    not rented there, whose line and disk nobody knows."""
    if offer_of(found) is None:
        return None
    rates, facts = cold_start(), engines()[found.engine]
    megabytes = found.model.variants[found.variant].bytes / 1e6
    return ColdStart(
        node=rates.node_seconds,
        image=(facts.image_mb or 0) / rates.download_mb_per_second,
        download=megabytes / rates.download_mb_per_second,
        load=megabytes / rates.load_mb_per_second + facts.start_seconds,
    )


def offer_of(found: Fit) -> Offer | None:
    """The machine to rent; None for one that is owned."""
    return found.hardware.offer(max(found.gpus, 1))


def usd_a_month(found: Fit) -> float | None:
    """Of the whole machine, GPUs that are not used too, on all the time; None where no price is known."""
    offer = offer_of(found)
    return None if offer is None or offer.usd_per_hour is None else offer.usd_per_hour * HOURS_A_MONTH


def usd_a_million_tokens(found: Fit) -> float | None:
    """Of output at full use of that speed, so about the least it can be; None where it is unknown."""
    month, speed = usd_a_month(found), tokens_per_second(found)
    if month is None or speed is None:
        return None
    return month / HOURS_A_MONTH / 3600 / speed * 1e6
