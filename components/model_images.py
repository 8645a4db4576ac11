"""Models as images, which a cluster's nodes pull like those of the engines: no volume and no job."""

import hashlib
import json

from catalog.models import Model
from catalog.sources import specification
from components.models import STORE_PATH, Provided
from components.workload import Mount

DIGEST_LENGTH = 16


class ModelImages:
    """Images `<prefix>/model-<model>-<variant>:<digest>`, as `make images` makes them."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def reference(self, model: Model, variant_name: str) -> str:
        """The image of a variant, by a digest of what it is made from.

        Another source or conversion is another tag, which rolls the pods; the same one is never made twice.
        """
        variant = model.variants[variant_name]
        wanted = specification(model.name, variant_name, variant.source, variant.convert)
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        return f"{self._prefix}/model-{model.name}-{variant_name}:{digest[:DIGEST_LENGTH]}"

    def provide(self, model: Model, variant_name: str) -> Provided:
        """See components/models.py. The image holds the variant's folders as the store has them."""
        return Provided(Mount(path=STORE_PATH, image=self.reference(model, variant_name)))
