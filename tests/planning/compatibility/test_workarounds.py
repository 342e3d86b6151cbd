"""A fault that a plan would meet is got round by what nobody fixed, told, or rules the plan out."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.facts import Catalog, load
from llama4ref.facts.types.conditions import Conditions, SizeRange
from llama4ref.facts.types.faults import EngineFault, Remedy
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.outcomes import Plan, PlanResult

CATALOG = load()
WISH: dict[str, Any] = {"model": "scout", "gpu": "h100-sxm", "count": 8, "tensor_parallel": 8, "context": "64K"}
EAGER = Remedy(because="graphs are left out", request={"enforce_eager": True})
TRITON = Remedy(because="Triton's experts do not", settings={"moe-backend": "triton"})


def _fault(**changes: Any) -> EngineFault:
    always: dict[str, Any] = {
        "symptom": "answers are noise", "effect": "wrong-answers", "happens": "always", "since": "0.30.0", "until": "0.32.0",
        "when": Conditions(), "proof": "thread", "example": {},
    }  # fmt: skip
    return EngineFault(**always | changes)


def _with(*faults: EngineFault) -> Catalog:
    """The catalogue with these faults of vLLM alone."""
    mine = dataclasses.replace(CATALOG.fault_set("vllm"), faults={f"fault-{n}": each for n, each in enumerate(faults)})
    return dataclasses.replace(CATALOG, faults={"vllm": mine})


def _planned(*faults: EngineFault, release: str = "0.31.0", **wish: Any) -> PlanResult:
    return plan(PlanRequest(**WISH | {"engine_release": release} | wish), _with(*faults))


def _best(result: PlanResult) -> Plan:
    assert isinstance(result.best, Plan)
    return result.best


def _told(result: PlanResult) -> list[str]:
    return [each.value for each in _best(result).caveats if each.about == "known fault"]


@pytest.mark.parametrize("effect", ["does-not-start", "crashes", "wrong-answers"])
def test_what_always_spoils_a_plan_refuses_it_and_names_the_release_that_mends_it(effect: str) -> None:
    """The first release without the fault."""
    result = _planned(_fault(effect=effect))

    assert not result.plans
    refusal = next(each for each in result.refused if each.rule == "engine-fault")
    assert "answers are noise" in refusal.numbers
    assert refusal.changes == (("engine_release", "0.32.0"),)
    assert plan(PlanRequest(**WISH | {"engine_release": "0.32.0"}), _with(_fault(effect=effect))).plans


def test_a_fault_of_the_newest_release_names_the_last_one_before_it() -> None:
    """Nothing mends it yet."""
    refused = [each for each in _planned(_fault(until=None), release="0.33.0").refused if each.rule == "engine-fault"]

    assert refused[0].changes == (("engine_release", "0.29.0"),)


@pytest.mark.parametrize("release", ["0.29.0", "0.32.0", "0.33.0"])
def test_other_releases_do_not_meet_it(release: str) -> None:
    """`since` is the first that has it, `until` the first that has not."""
    assert not _told(_planned(_fault(happens="sometimes"), release=release))


@pytest.mark.parametrize("release", ["0.30.0", "0.31.0"])
def test_what_happens_at_times_is_told(release: str) -> None:
    """The plan stands."""
    assert _told(_planned(_fault(happens="sometimes"), release=release)) == ["fault-0"]


@pytest.mark.parametrize("effect", ["slow", "more-memory", "fails-requests"])
def test_what_does_not_spoil_every_answer_is_told(effect: str) -> None:
    """Whether it always happens or not."""
    assert _told(_planned(_fault(effect=effect))) == ["fault-0"]


def test_a_fault_whose_end_nobody_knows_is_told_beyond_the_last_release_that_is_known_to_have_it() -> None:
    """It refuses nothing there, and no setting is changed for it."""
    fault = _fault(until=UNKNOWN, confirmed="0.30.0", remedies=(EAGER,))
    at, later = _planned(fault, release="0.30.0"), _planned(fault, release="0.31.0")

    assert _best(at).settings["enforce-eager"] is True
    assert "enforce-eager" not in _best(later).settings
    assert "nothing says that 0.31.0 is rid of it" in next(
        each.because for each in _best(later).caveats if each.about == "known fault"
    )


def test_a_remedy_is_set_and_memory_is_planned_with_it() -> None:
    """Without CUDA graphs there is room for more requests, as when a person asks for that."""
    remedied, asked = _best(_planned(_fault(remedies=(EAGER,)))), _best(_planned(enforce_eager=True))

    assert remedied.settings == asked.settings
    assert remedied.max_concurrency == asked.max_concurrency > _best(_planned()).max_concurrency
    assert not [each for each in remedied.caveats if each.about == "known fault"]
    (reason,) = [each for each in remedied.reasons if each.about == "enforce-eager"]
    assert reason.because == "graphs are left out: otherwise answers are noise"


def test_a_remedy_never_changes_what_a_person_fixed() -> None:
    """The refusal names the change instead."""
    batched = Remedy(because="smaller steps", request={"max_num_batched_tokens": 4096})
    result = _planned(_fault(remedies=(batched,)), max_num_batched_tokens=16384)

    assert not result.plans
    assert {each.changes for each in result.refused if each.rule == "engine-fault"} == {
        (("max_num_batched_tokens", 4096),)
    }
    assert _best(_planned(_fault(remedies=(batched,)))).config.max_num_batched_tokens == 4096


def test_an_option_that_gets_round_it_is_written_with_the_fault_as_its_reason() -> None:
    """At a release that has the option; another refuses."""
    fault = _fault(since="0.8.3", remedies=(TRITON,))

    assert _best(_planned(fault)).settings["moe-backend"] == "triton"
    assert not _planned(fault, release="0.15.0").plans


def test_a_variable_that_gets_round_it_is_exported() -> None:
    """Of the server's environment."""
    remedy = Remedy(because="no cache of compiled code", environment={"VLLM_DISABLE_COMPILE_CACHE": "1"})

    assert _best(_planned(_fault(remedies=(remedy,)))).environment["VLLM_DISABLE_COMPILE_CACHE"] == "1"


def test_the_first_remedy_that_is_open_is_taken() -> None:
    """The second one where the person fixed what the first would change."""
    fault = _fault(remedies=(Remedy(because="less", request={"max_num_seqs": 64}), EAGER))

    assert "enforce-eager" not in _best(_planned(fault)).settings
    assert _best(_planned(fault, max_num_seqs=128)).settings["enforce-eager"] is True


def test_a_size_that_the_planner_chose_meets_a_fault_as_well() -> None:
    """The longest context that fits is known after the fit alone."""
    long = Conditions(sizes=(SizeRange(size="context", at_least=100_000),))
    open_ = {name: value for name, value in WISH.items() if name != "context"} | {"engine_release": "0.31.0"}
    told = plan(PlanRequest(**open_), _with(_fault(happens="sometimes", when=long)))
    remedied = plan(PlanRequest(**open_), _with(_fault(when=long, remedies=(EAGER,))))

    assert _told(told) == ["fault-0"]
    assert _best(remedied).settings["enforce-eager"] is True
    assert not _told(_planned(_fault(happens="sometimes", when=long)))


def test_two_faults_with_remedies_are_both_got_round() -> None:
    """One after the other."""
    best = _best(_planned(_fault(remedies=(EAGER,)), _fault(remedies=(TRITON,))))

    assert best.settings["enforce-eager"] is True
    assert best.settings["moe-backend"] == "triton"


def test_a_remedy_of_the_cache_changes_the_candidate() -> None:
    """Every layer keeps the full length where the hybrid cache is turned off."""
    full = Remedy(because="one kind of cache", request={"hybrid": False})
    best = _best(_planned(_fault(when=Conditions(features=("hybrid-kv-cache",)), remedies=(full,))))

    assert not best.budget.cache.hybrid
    assert best.settings["disable-hybrid-kv-cache-manager"] is True


@pytest.mark.parametrize(
    ("release", "asked", "served"), [("0.8.3", 4096, 8192), ("0.8.3", 16384, 16384), ("0.8.4", 4096, 4096)]
)
def test_a_context_is_raised_where_a_shorter_one_ends_the_server_and_never_lowered(
    release: str, asked: int, served: int
):
    """vLLM #16274: a server of a whole chunk takes the shorter requests as well."""
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=4, context=asked, engine_release=release)).best

    assert best.context == best.settings["max-model-len"] == served
    assert any("whole chunk" in each.because for each in best.reasons) is (served != asked)
