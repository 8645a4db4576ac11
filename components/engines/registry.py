"""Every engine that the kit runs itself, by name."""

from collections.abc import Mapping
from types import MappingProxyType

from components.engines import onnx
from components.engines.contract import Recipe
from components.engines.ollama import recipe as ollama
from components.engines.vllm import recipe as vllm

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {recipe.name: recipe for recipe in (onnx.RECIPE, ollama.RECIPE, vllm.RECIPE)}
)
