"""vLLM's own modules of a full-size Llama 4 on the meta device, for any rank of any layout, in one process."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from llama4ref.facts.types.models import Model

_QUANTIZATION = "vllm.model_executor.layers.quantization"
_SCHEMES = f"{_QUANTIZATION}.compressed_tensors.schemes.compressed_tensors_"
_EXPERTS = f"{_QUANTIZATION}.compressed_tensors.compressed_tensors_moe.compressed_tensors_moe_"
_ORACLE = "vllm.model_executor.layers.fused_moe.oracle"

# The CPU has no kernel for most quantized layers, and vLLM refuses before it creates them. What is replaced is the choice of a
# kernel, by the one that a GPU would get; how weights are created stays vLLM's.
_LINEAR_CHOICES = (
    f"{_SCHEMES}w4a4_nvfp4.init_nvfp4_linear_kernel",
    f"{_SCHEMES}w8a8_fp8.init_fp8_linear_kernel",
    f"{_SCHEMES}w8a8_int8.init_int8_linear_kernel",
    f"{_SCHEMES}wNa16.choose_mp_linear_kernel",
    f"{_QUANTIZATION}.modelopt.init_nvfp4_linear_kernel",
    f"{_QUANTIZATION}.modelopt.init_fp8_linear_kernel",
    f"{_QUANTIZATION}.online.fp8.init_fp8_linear_kernel",
    f"{_QUANTIZATION}.online.mxfp4.init_mxfp4_linear_kernel",
    f"{_QUANTIZATION}.online.mxfp8.init_mxfp8_linear_kernel",
)
_EXPERT_CHOICES = {
    f"{_EXPERTS}wna16.select_wna16_moe_backend": ("int_wna16", "WNA16MoEBackend", "MARLIN"),
    f"{_EXPERTS}w8a8_int8.select_int8_moe_backend": ("int8", "Int8MoeBackend", "TRITON"),
    f"{_EXPERTS}w8a8_fp8.select_fp8_moe_backend": ("fp8", "Fp8MoeBackend", "TRITON"),
    f"{_EXPERTS}w4a4_nvfp4.select_nvfp4_moe_backend": ("nvfp4", "NvFp4MoeBackend", "VLLM_CUTLASS"),
    f"{_QUANTIZATION}.modelopt.select_fp8_moe_backend": ("fp8", "Fp8MoeBackend", "TRITON"),
    f"{_QUANTIZATION}.modelopt.select_nvfp4_moe_backend": ("nvfp4", "NvFp4MoeBackend", "VLLM_CUTLASS"),
    f"{_QUANTIZATION}.online.fp8.select_fp8_moe_backend": ("fp8", "Fp8MoeBackend", "TRITON"),
    f"{_QUANTIZATION}.online.int8.select_int8_moe_backend": ("int8", "Int8MoeBackend", "TRITON"),
    f"{_QUANTIZATION}.online.nvfp4.select_nvfp4_moe_backend": ("nvfp4", "NvFp4MoeBackend", "VLLM_CUTLASS"),
    f"{_QUANTIZATION}.online.mxfp4.select_mxfp4_moe_backend": ("mxfp4", "Mxfp4MoeBackend", "MARLIN"),
    f"{_QUANTIZATION}.online.mxfp8.select_mxfp8_moe_backend": ("fp8", "Fp8MoeBackend", "TRITON"),
}


class MetaRanks:
    """Builds the modules of one rank after the other; their parameters have shapes and dtypes but no memory."""

    def __init__(
        self, folder: Path, configuration: Callable[[Model], dict[str, Any]], component_of: Callable[[str], str]
    ) -> None:
        self.folder, self.configuration, self.component_of = folder, configuration, component_of
        self._configs: dict[str, Any] = {}

    def config(self, model: Model, section: dict[str, Any] | None = None, **arguments: Any) -> Any:
        """vLLM's configuration of a model, with a quantization section where the checkpoint has one; made once."""
        from vllm.engine.arg_utils import EngineArgs

        key = json.dumps([model.id, section, arguments])
        if key not in self._configs:
            folder = self.folder / str(len(self._configs))
            folder.mkdir(exist_ok=True)
            published = self.configuration(model) | ({"quantization_config": section} if section else {})
            (folder / "config.json").write_text(json.dumps(published))
            self._configs[key] = EngineArgs(
                model=str(folder), skip_tokenizer_init=True, max_model_len=8192, enforce_eager=True, **arguments
            ).create_engine_config()
        return self._configs[key]

    def module(
        self,
        config: Any,
        tensor_parallel: int = 1,
        pipeline_parallel: int = 1,
        data_parallel: int = 1,
        expert_parallel: bool = False,
        *,
        stage: int = 0,
        draft: bool = False,
    ) -> Any:
        """The modules of the first rank of a stage, or of its draft head."""
        import torch
        from vllm.config import set_current_vllm_config
        from vllm.distributed import parallel_state
        from vllm.model_executor.model_loader.utils import initialize_model

        config.parallel_config.tensor_parallel_size = tensor_parallel
        config.parallel_config.pipeline_parallel_size = pipeline_parallel
        config.parallel_config.data_parallel_size = data_parallel
        config.parallel_config.enable_expert_parallel = expert_parallel
        config.model_config.verify_with_parallel_config(config.parallel_config)
        config.compilation_config.static_forward_context.clear()
        groups = {
            "_TP": _group(tensor_parallel),
            "_PP": _group(pipeline_parallel, stage),
            "_DP": _group(data_parallel),
            "_EP": _group(tensor_parallel * data_parallel),
            "_PCP": _group(1),
            "_DCP": _group(1),
        }
        default = torch.get_default_dtype()
        with mock.patch.multiple(parallel_state, **groups), set_current_vllm_config(config), torch.device("meta"):
            torch.set_default_dtype(torch.bfloat16)
            try:
                model = config.speculative_config.draft_model_config if draft else config.model_config
                return initialize_model(config, model_config=model)
            finally:
                torch.set_default_dtype(default)

    def held(self, config: Any, *sizes: Any, stage: int = 0) -> dict[str, tuple[int, int]]:
        """Bytes and numbers of the parameters of the first rank of a stage, by component; scales are numbers here too."""
        counted: dict[str, list[int]] = {}
        for name, parameter in self.module(config, *sizes, stage=stage).named_parameters():
            count = counted.setdefault(self.component_of(name), [0, 0])
            count[0] += parameter.numel() * parameter.element_size()
            count[1] += parameter.numel()
        return {component: (size, numbers) for component, (size, numbers) in counted.items()}


def _group(size: int, rank: int = 0) -> SimpleNamespace:
    """As much of vLLM's process group as building modules asks for."""
    return SimpleNamespace(
        world_size=size,
        rank_in_group=rank,
        is_first_rank=rank == 0,
        is_last_rank=rank == size - 1,
        device_group=SimpleNamespace(size=lambda: size, rank=lambda: rank),
    )


@pytest.fixture(scope="session")
def meta_ranks(
    transformers: object,
    published_configuration: Callable[[Model], dict[str, Any]],
    component_of: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MetaRanks]:
    """vLLM's modules on the meta device, kernels chosen as on a GPU."""
    with mock.patch.dict(os.environ, {"VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1"}), ExitStack() as patches:
        pytest.importorskip("vllm")
        from vllm.model_executor.layers.fused_moe.expert_map_manager import ExpertMapManager
        from vllm.model_executor.models import registry

        # Inspecting the architecture in a fresh process would lose the operators declared in this one.
        patches.enter_context(mock.patch.object(registry, "_run_in_subprocess", lambda inspect: inspect()))
        # Only a log line reads the expert map's values, which the meta device does not have.
        patches.enter_context(mock.patch.object(ExpertMapManager, "get_compressed_map_string", return_value=""))
        # Says yes to being a Blackwell GPU.
        patches.enter_context(mock.patch(f"{_QUANTIZATION}.online.nvfp4.current_platform"))
        for choice in _LINEAR_CHOICES:
            patches.enter_context(mock.patch(choice, return_value=mock.MagicMock(__name__="kernel")))
        for choice, (module, backends, backend) in _EXPERT_CHOICES.items():
            chosen = getattr(__import__(f"{_ORACLE}.{module}", fromlist=[backends]), backends)[backend]
            patches.enter_context(mock.patch(choice, return_value=(chosen, mock.MagicMock())))
        yield MetaRanks(tmp_path_factory.mktemp("configurations"), published_configuration, component_of)
