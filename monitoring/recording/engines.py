"""What every engine of the stack says about itself, whatever it calls it."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog.models import EngineName
from monitoring.recording.queries import constant, number, rate, selector, summed, zeros
from monitoring.rules import Record
from monitoring.watched import Watched, WatchedModel

JOB = "engine"


@dataclass(frozen=True)
class Names:
    """An engine's own names for what all have."""

    running: str
    waiting: str
    first_token: str
    """Histogram in seconds, with `_bucket`."""
    inter_token: str
    slots: str | None = None
    """None where it does not say: then it is what the stack set."""
    up: str | None = None
    """1 while it lives. None where an engine that died answers no scrape."""
    kv_cache: str | None = None
    """0 to 1."""
    memory: str | None = None
    oom_kills: str | None = None
    """Counter of processes killed at the container's limit."""


def common(engine: EngineName, names: Names, watched: Watched) -> list[Record]:
    """The series of every engine, for those of one kind; none where the stack has none of it."""
    models = [model for model in watched.engines if model.engine_name == engine]
    if not models:
        return []
    made = [
        _up(engine, names.up, _asleep(models) if watched.cluster else ""),
        told(engine, "slm:engine_running", names.running),
        told(engine, "slm:engine_waiting", names.waiting),
        risen(engine, "slm:engine_first_token_seconds_bucket:rate5m", names.first_token, "le"),
        risen(engine, "slm:inter_token_seconds_bucket:rate5m", names.inter_token, "le"),
    ]
    if names.slots:
        made.append(told(engine, "slm:engine_slots", names.slots))
    of_one = {"slm:kv_cache:ratio": names.kv_cache, "slm:engine_memory_bytes": names.memory}
    made += [fullest(engine, name, metric) for name, metric in of_one.items() if metric]
    if names.oom_kills:
        killed = f"increase({selector(names.oom_kills, job=JOB, engine=engine)}[10m])"
        made.append(
            Record("slm:engine_oom_kills:increase10m", f"sum by (model) ({killed})", {"engine": engine})
        )
    if not names.slots:
        made += [_slots(model, watched.cluster is not None) for model in models]
    return [*made, *_starts(engine), *_limits(models)]


def told(engine: EngineName, name: str, metric: str) -> Record:
    """A gauge of engines of one kind, by model, in sum. What else they label it with is summed away."""
    return Record(name, summed(metric, ("model",), job=JOB, engine=engine), {"engine": engine})


def fullest(engine: EngineName, name: str, metric: str) -> Record:
    """A gauge that has a limit in each replica: of the one that is nearest to it, by model."""
    return Record(name, f"max by (model) ({selector(metric, job=JOB, engine=engine)})", {"engine": engine})


def risen(engine: EngineName, name: str, metric: str, *by: str) -> Record:
    """The rate of a counter or histogram, likewise."""
    return Record(name, rate(metric, ("model", *by), job=JOB, engine=engine), {"engine": engine})


def _up(engine: EngineName, metric: str | None, otherwise: str) -> Record:
    """1 where one of its replicas is up."""
    expr = f"max by (model) ({selector('up', job=JOB, engine=engine)})"
    if metric is not None:
        said = f"max by (model) ({selector(metric, job=JOB, engine=engine)})"
        expr = f"{said} or 0 * {expr}"
    return Record("slm:engine_up", expr + otherwise, {"engine": engine})


def _asleep(models: Sequence[WatchedModel]) -> str:
    """On a cluster an engine without a ready replica is no target at all."""
    return " or " + zeros({"model": model.name} for model in models)


def _starts(engine: EngineName) -> list[Record]:
    started = selector("process_start_time_seconds", job=JOB, engine=engine)
    # changes() does not see the first of the starts in its window: that one counts if it was in this hour.
    first = f"(min_over_time({started}[1h]) > bool (time() - 3600))"
    starts = f"max by (model) (changes({started}[1h]) + {first})"
    return [
        Record("slm:engine_start_time_seconds", f"max by (model) ({started})", {"engine": engine}),
        Record("slm:cold_starts:changes1h", starts, {"engine": engine}),
    ]


def _slots(model: WatchedModel, cluster: bool) -> Record:
    """Of the replicas that are up, where an engine does not tell."""
    assert model.engine is not None, "models of Watched.engines have one"
    up = summed("up", ("model",), job=JOB, engine=model.engine_name, model=model.name)
    expr = f"{number(model.engine.slots)} * {up}" + (_asleep([model]) if cluster else "")
    return Record("slm:engine_slots", expr, {"model": model.name, "engine": model.engine_name})


def _limits(models: Sequence[WatchedModel]) -> list[Record]:
    """Of one replica."""
    records = []
    for model in models:
        engine = model.engine
        if engine is None:
            continue
        of = {"model": model.name, "engine": model.engine_name}
        records.append(constant("slm:start_budget_seconds", engine.start_budget_seconds, **of))
        records.append(constant("slm:engine_memory_limit_bytes", engine.memory_limit_bytes, **of))
    return records
