"""What the tests of the Ollama recipe serve."""

from typing import Any

from catalog import models
from catalog.models import Modelfile
from components.engines.contract import Serving
from components.engines.ollama.options import OllamaOptions
from components.engines.ollama.recipe import RECIPE
from components.workload import Mount, Workload

FOLDER = "/models/smollm2-135m-instruct/gguf-q4_1/bcc81830d10ce7d9"


def serving(modelfile: Modelfile | None = None, **options: Any) -> Serving:
    model = models.find("smollm2-135m-instruct")
    variant = model.variants["gguf-q4_1"].model_copy(update={"modelfile": modelfile})
    return Serving(
        name="smol",
        model=model.model_copy(update={"variants": {"it": variant}}),
        variant_name="it",
        folder=FOLDER,
        context_length=2048,
        concurrency=4,
        max_queue=16,
        cpus=2,
        memory_mib=900,
        ollama=OllamaOptions.model_validate(options),
    )


def made(what: Serving) -> Workload:
    return RECIPE.workload(what, "slm-kit/ollama:1", [Mount("/models", volume="store")])
