"""What the stack's Prometheus knows of each recorded series."""

import math

import httpx

from catalog.errors import HostError
from monitoring.vocabulary import series_of
from monitoring.watched import LOGIN, Watched
from ops import keys
from ops.runner import Runner
from stacks.config import MONITORING_PASSWORD
from stacks.settings import StackSettings


class Query:
    """Asks the stack's Prometheus, with its login."""

    def __init__(self, url: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, auth=(LOGIN, password), timeout=30, trust_env=False)

    def __call__(self, expression: str) -> list[float]:
        """Values of the instant vector; those that are no number are none."""
        try:
            answer = self._client.get("/api/v1/query", params={"query": expression})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise HostError(
                f"Prometheus at {self._client.base_url}",
                f"does not answer: {error}",
                "Run `make up`, which starts it; `make logs` shows what it says.",
            ) from error
        found = [float(each["value"][1]) for each in answer.json()["data"]["result"]]
        return [value for value in found if not math.isnan(value)]


def query_of(used: Runner, settings: StackSettings) -> Query:
    """The stack's own."""
    port = settings.monitored_ports["prometheus"]
    return Query(f"http://127.0.0.1:{port}", keys.show_password(used, MONITORING_PASSWORD))


def show(watched: Watched, query: Query) -> list[str]:
    """Print each recorded series with how many there are and their range. Returns the names of empty ones."""
    rows = [(series, query(series.name)) for series in series_of(watched)]
    width = max(len(series.name) for series, _ in rows)
    print(f"\n{'series':<{width}}  {'labels':>6}  {'least':>12}  {'most':>12}  unit")
    for series, values in rows:
        shown = f"{min(values):>12.5g}  {max(values):>12.5g}" if values else f"{'NOTHING':>12}  {'':>12}"
        print(f"{series.name:<{width}}  {len(values):>6}  {shown}  {series.unit}")
    print(f"\n{len(rows)} recorded series, {sum(not values for _, values in rows)} of them empty")
    return [series.name for series, values in rows if not values]
