"""How many bytes: parameters, weights, KV cache, buffers, and the budget of one GPU."""

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.memory.attention_cache import KVCache, kv_cache
from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget
from llama4ref.memory.parameter_count import parameters
from llama4ref.memory.weight_shards import Weights, weights

__all__ = [
    "EngineConfig",
    "KVCache",
    "Layout",
    "MemoryBudget",
    "Weights",
    "kv_cache",
    "memory_budget",
    "parameters",
    "weights",
]
