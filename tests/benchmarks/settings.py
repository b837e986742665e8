"""How much is measured, how often, and with which load."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run can be told; its results repeat all of it.

    `shares` are parts of the rate that the same system reached at the top of the same round. `at_least` and
    `at_most` bound the referrals of a step at a fixed rate, so that percentiles mean something and time ends.
    """

    rounds: int = 5
    top: int = 3_000
    warm_up: int = 300
    seconds: float = 15.0
    fixed_rates: tuple[float, ...] = (10.0, 40.0)
    shares: tuple[float, ...] = (0.1, 0.5, 0.9)
    at_least: int = 100
    at_most: int = 6_000
    referrals_per_person: int = 20
    systems: tuple[str, ...] = ("real", "reliable", "bare")
    seed: int = 20_261_122
    patience_seconds: float = 120.0

    def count_at(self, rate: float) -> int:
        """How many referrals a step at this rate (per second) publishes."""
        return max(self.at_least, min(self.at_most, round(rate * self.seconds)))

    def as_json(self) -> dict[str, object]:
        """The settings as they stand in a result file."""
        return asdict(self)


FULL = Settings()
"""What `make bench` measures."""

QUICK = Settings(rounds=1, top=400, warm_up=100, seconds=4.0, fixed_rates=(40.0,), shares=(0.5,), at_least=40)
"""A look in two minutes while developing; its figures prove nothing."""
