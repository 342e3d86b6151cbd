"""What the herd has in common holds together, and holds against the installed software."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from llama4ref.facts import load
from llama4ref.facts.arithmetic.tensors import COMPONENTS

CATALOG = load()
FAMILY = CATALOG.family("llama-4")
TOKENS = FAMILY.prompting.special_tokens
RELEASED = [CATALOG.model(id) for id in FAMILY.members if CATALOG.model(id).status == "released"]


def test_members_are_models_here():
    """No member leads nowhere, and every model belongs to the herd."""
    assert set(FAMILY.members) == set(CATALOG.models)


def test_totals_of_the_herd_are_the_sums_of_its_released_members():
    """GPU hours and emissions are printed per model and in total."""
    assert FAMILY.training.gpu_hours == sum(model.training.gpu_hours for model in RELEASED)
    assert FAMILY.training.emissions_location_tonnes == sum(m.training.emissions_location_tonnes for m in RELEASED)


def test_events_are_in_order_and_about_models_here():
    """Days sort as text, also where only the month is known."""
    days = [event.day for event in FAMILY.events]

    assert days == sorted(days)
    assert {model for event in FAMILY.events for model in event.about} <= set(CATALOG.models)


def test_stages_of_training_are_numbered_without_gaps():
    """The order is that of the developer's account."""
    assert [stage.order for stage in FAMILY.training.stages.values()] == list(range(1, len(FAMILY.training.stages) + 1))


@pytest.mark.parametrize("model", RELEASED, ids=lambda model: model.id)
def test_token_ids_of_models_and_of_the_prompt_format_are_the_same(model):
    """Both lists name the same tokens."""
    tokens = model.tokens

    assert tokens.bos == TOKENS["begin_of_text"].id
    assert set(tokens.eos) == {TOKENS[name].id for name in ("end_of_text", "eom", "eot")}
    assert tokens.pad == TOKENS["finetune_right_pad"].id
    assert (tokens.image_start, tokens.image_end) == (TOKENS["image_start"].id, TOKENS["image_end"].id)
    assert tokens.patch == TOKENS["patch"].id


@pytest.mark.parametrize("model", RELEASED, ids=lambda model: model.id)
def test_the_vocabulary_is_text_and_special_slots(model):
    """Ranks of the tokenizer and slots for special tokens fill the embedding exactly."""
    tokenizer = FAMILY.prompting.tokenizer

    assert tokenizer.base_vocabulary + tokenizer.special_slots == model.text.vocab_size
    assert tokenizer.special_named <= tokenizer.special_slots


def test_special_tokens_lie_in_their_slots_and_differ():
    """Ids begin after the text vocabulary; text and id are unique."""
    tokenizer = FAMILY.prompting.tokenizer
    ids = [token.id for token in TOKENS.values()]

    assert len(set(ids)) == len(ids)
    assert len({token.text for token in TOKENS.values()}) == len(ids)
    assert min(ids) == tokenizer.base_vocabulary
    assert max(ids) == tokenizer.base_vocabulary + tokenizer.special_named - 1


def test_the_pattern_of_layers_is_that_of_every_model():
    """Three local layers and a global one are the same statement as every fourth layer without positions."""
    for model in RELEASED:
        assert FAMILY.positions.local_per_global + 1 == model.attention.nope_interval


@pytest.mark.parametrize("mode", FAMILY.quantization.values(), ids=FAMILY.quantization.keys())
def test_a_quantization_mode_says_of_every_component_whether_it_is_quantized(mode):
    """Quantized and kept components are all components, each once."""
    assert sorted((*mode.quantized, *mode.kept)) == sorted(COMPONENTS)


def test_safeguards_made_of_a_model_here_have_its_size():
    """Llama Guard 4 is Scout without routers and routed experts, rounded to a billion."""
    from llama4ref.facts.arithmetic.tensors import model_tensors

    guard = CATALOG.safeguard("llama-guard-4")
    kept = [
        tensor.parameters
        for tensor in model_tensors(CATALOG.model(guard.derived_from))
        if tensor.component not in {"router", "routed_experts"}
    ]

    assert round(sum(kept), -9) == guard.parameters


def test_licences_supersede_licences_here():
    """The chain of generations leads back to Llama 2 without a loop."""
    chain, id = [], "llama-4-community"
    while id is not None:
        chain.append(id)
        id = CATALOG.license(id).supersedes

    assert chain[-1] == "llama-2-community"
    assert len(chain) == len(set(chain)) == len(CATALOG.licenses)


def processor_source() -> ast.Module:
    """The processor's module, read and not imported: its import needs audio libraries."""
    spec = find_spec("transformers")
    if spec is None or spec.origin is None:
        pytest.skip("transformers is not installed")
    file = Path(spec.origin).parent / "models" / "llama4" / "processing_llama4.py"
    return ast.parse(file.read_text(encoding="utf-8"))


@pytest.mark.vllm
class TestAgainstInstalledSoftware:
    """Facts about transformers and vLLM, held against what is installed."""

    def test_image_tokens_are_the_defaults_of_transformers(self):
        """Ids of the configuration class."""
        transformers = pytest.importorskip("transformers")
        config = transformers.Llama4Config

        defaults = config()

        assert defaults.boi_token_index == TOKENS["image_start"].id
        assert defaults.eoi_token_index == TOKENS["image_end"].id
        assert defaults.image_token_index == TOKENS["patch"].id

    def test_the_processor_writes_the_tokens_of_the_prompt_format(self):
        """Texts of the processor's own defaults."""
        defaults = {
            argument.arg: ast.literal_eval(default)
            for function in ast.walk(processor_source())
            if isinstance(function, ast.FunctionDef) and function.name == "__init__"
            for argument, default in zip(
                function.args.args[-len(function.args.defaults) :], function.args.defaults, strict=True
            )
            if isinstance(default, ast.Constant)
        }

        assert defaults["start_of_image_token"] == TOKENS["image_start"].text
        assert defaults["end_of_image_token"] == TOKENS["image_end"].text
        assert defaults["fake_image_token"] == TOKENS["image"].text == FAMILY.prompting.images.placeholder
        assert defaults["patch_token"] == TOKENS["patch"].text
        assert defaults["tile_x_separator_token"] == TOKENS["tile_x_separator"].text
        assert defaults["tile_y_separator_token"] == TOKENS["tile_y_separator"].text

    def test_the_chat_template_writes_messages_as_the_facts_say(self):
        """A conversation with a tool call, rendered by the template that transformers carries."""
        jinja2 = pytest.importorskip("jinja2")
        template = next(
            ast.literal_eval(node.value)
            for node in processor_source().body
            if isinstance(node, ast.Assign) and node.targets[0].id == "chat_template"
        )
        call = {"function": {"name": "f", "arguments": {"a": 1}}}
        conversation = [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "content": {"result": 1}},
        ]
        environment = jinja2.Environment(autoescape=False)
        rendered = environment.from_string(template).render(
            bos_token=TOKENS["begin_of_text"].text, messages=conversation
        )

        assert rendered.startswith(FAMILY.prompting.messages.prompt_start)
        assert f"{TOKENS['header_start'].text}user{TOKENS['header_end'].text}" in rendered
        assert f"{TOKENS['header_start'].text}{FAMILY.prompting.messages.tool_result_role}" in rendered
        assert f"{TOKENS['python_start'].text}{TOKENS['python_end'].text}{{" in rendered
        assert rendered.endswith(TOKENS["eot"].text)
        assert FAMILY.prompting.messages.default_system_prompt is None
        assert f"{TOKENS['header_start'].text}system" not in rendered

    def test_vllm_knows_the_parsers_and_the_threshold(self):
        """Names in the registry of tool parsers, and the number in the model file."""
        spec = find_spec("vllm")
        if spec is None or spec.origin is None:
            pytest.skip("vLLM is not installed")
        root = Path(spec.origin).parent
        registry = (root / "tool_parsers" / "__init__.py").read_text(encoding="utf-8")
        model = (root / "model_executor" / "models" / "llama4.py").read_text(encoding="utf-8")

        assert all(f'"{parser}"' in registry for parser in FAMILY.prompting.tools.vllm_parsers)
        assert f"max_model_len > {FAMILY.positions.temperature_vllm_threshold_tokens}" in model
