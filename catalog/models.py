"""What the kit knows about models: the loader of catalog/models/*.yaml.

Facts are data with their source beside them. A file that breaks the schema is refused when the
catalog is loaded, so a stack never sees half a model.
"""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import ValidationError

from catalog.errors import KitError, complaints
from catalog.lock import Lock, completed, read_lock
from catalog.schema import Attention, EngineName, Format, Model, Modelfile, Row, Tools, Variant

__all__ = [
    "MODELS_FOLDER",
    "Attention",
    "EngineName",
    "Format",
    "Model",
    "Modelfile",
    "Row",
    "Tools",
    "Variant",
    "find",
    "load",
    "read",
    "require_locked",
]

MODELS_FOLDER = Path(__file__).with_name("models")


@cache
def load(folder: Path = MODELS_FOLDER) -> Mapping[str, Model]:
    """Every model of the catalog by name, sources completed by the lock beside the folder.

    Raises KitError for a file that breaks the schema.
    """
    lock = read_lock(folder.with_name("models.lock.yaml"))
    return {name: _completed(model, lock) for name, model in read(folder).items()}


def read(folder: Path = MODELS_FOLDER) -> Mapping[str, Model]:
    """Every model as its file says, without the lock. Raises KitError for a file that breaks the schema."""
    models: dict[str, Model] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            model = Model.model_validate(yaml.safe_load(path.read_text()))
        except (ValidationError, yaml.YAMLError) as error:
            said = complaints(error) if isinstance(error, ValidationError) else str(error)
            raise KitError(str(path), said, "Mend the file; catalog/schema.py has the schema.") from error
        if model.name != path.stem:
            raise KitError(str(path), f"its name is {model.name!r}", "Name the file like the model.")
        models[model.name] = model
    return models


def _completed(model: Model, lock: Lock) -> Model:
    variants = {
        name: variant.model_copy(update={"source": completed(variant.source, lock)})
        for name, variant in model.variants.items()
    }
    return model.model_copy(update={"variants": variants})


def require_locked(model: Model, variant_name: str) -> None:
    """Raise KitError where it is not known which bytes the variant would be made of."""
    variant = model.variants[variant_name]
    if not variant.locked:
        source = variant.source
        where = source.repository if source.kind == "hf" else source.kind
        raise KitError(
            f"variant {variant_name} of model {model.name}",
            f"the catalog leaves open which commit of {where} it is made of",
            f"Run `make lock-models MODELS={model.name}` where the hub answers.",
        )


def find(name: str, models: Mapping[str, Model] | None = None) -> Model:
    """The model of that name; an unknown one is refused with the nearest that exists."""
    models = load() if models is None else models
    if name in models:
        return models[name]
    near = difflib.get_close_matches(name, models, n=1, cutoff=0.4)
    raise KitError(
        f"model {name!r}",
        f"not in the catalog, which has {', '.join(models)}",
        f"Did you mean {near[0]}?" if near else "Add it as catalog/models/<name>.yaml.",
    )
