"""The estimates of the specs are what their records give, and a further record moves them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from llama4ref.calibration import calibrate
from llama4ref.calibration.editing import edited
from llama4ref.calibration.proposal import patch, proposed_files
from llama4ref.calibration.speed_fit import based_on, fitted_places, significant, solved
from llama4ref.engine.estimates import EstimateScope, estimate_at
from llama4ref.facts import load
from llama4ref.facts.building import build
from llama4ref.facts.loading import spec_files, specs_folder

CATALOG = load()
RUN = "vllm-0.15.1-scout-h100-sxm-2-547-248"


@pytest.fixture(scope="module")
def here():
    """The calibration of the specs as they are."""
    return calibrate(CATALOG)


def _faster(name: str, factor: float):
    """A catalogue where every number of one measurement is multiplied."""
    run = CATALOG.measurement(name)
    seen = tuple(replace(each, value=each.value * factor) for each in run.observations)
    return replace(CATALOG, measurements={**CATALOG.measurements, name: replace(run, observations=seen)})


def test_the_specs_are_what_the_records_give(here):
    """No estimate has drifted from its basis."""
    assert here.changes == ()


def test_the_fit_is_no_worse_than_the_specs_and_close(here):
    """vLLM within a tenth, TensorRT-LLM within an eighth, SGLang's one row exactly."""
    assert here.errors_after == pytest.approx(here.errors_before, abs=0.002)
    assert here.errors_after["vllm"] < 0.1
    assert here.errors_after["tensorrt-llm"] < 0.125
    assert here.errors_after["sglang"] < 0.01


@pytest.mark.slow
def test_a_slower_run_makes_its_engine_slower():
    """All latencies of one measurement a half longer: the constants of its engine at its release move, and what borrows from them."""
    moved = calibrate(_faster(RUN, 1.5))
    changed = {(change.estimates, change.field) for change in moved.changes}

    assert ("vllm", "speed.layer_latency") in changed
    assert ("vllm", "speed.launch_hiding") in changed
    assert ("tensorrt-llm", "speed.launch_hiding") in changed
    assert all(
        change.estimates != "hardware" or change.new.low < change.old.value < change.new.high
        for change in moved.changes
    )


def test_a_start_that_took_more_raises_the_bound_and_is_named():
    """A gibibyte more of libraries than any log has."""
    start = CATALOG.start("vllm-0.19.0-scout-h100-sxm-4")
    more = replace(start, printed_gib={**start.printed_gib, "non_torch": 3.3})
    catalog = replace(CATALOG, starts={**CATALOG.starts, start.id: more})
    (change,) = (each for each in calibrate(catalog).changes if each.field == "memory.libraries")

    assert change.new.high >= 3.3 * 1024 > change.old.high
    assert change.new.alone == (start.id,)
    assert change.sources == ("llm-d-planner-logs",)


def test_constants_differ_between_releases():
    """The kernels of experts were tuned between 0.8.3 and 0.15."""
    quantity = dict(CATALOG.estimate("vllm").quantities())["speed.expert_layer_latency"]
    older, newer = (estimate_at(quantity, EstimateScope(release=release)) for release in ("0.8.3", "0.15.0"))

    assert older.value > 100e-6
    assert newer.value == 0


def test_further_measurements_count_for_their_engine_and_release():
    """An H200 of 0.12.0 is no basis yet; it belongs to the constants of its time."""
    run = CATALOG.measurement("vllm-0.12.0-scout-h200-sxm-8-2850000-200")
    named = {
        (place.set, place.field, place.index)
        for place in fitted_places(based_on(CATALOG.estimates, [run]))
        if run.id in place.row(based_on(CATALOG.estimates, [run])).basis
    }

    assert ("vllm", "speed.expert_layer_latency", 0) in named
    assert ("vllm", "speed.layer_latency", 0) in named
    assert {set_ for set_, _, _ in named} == {"vllm"}


def test_a_proposal_is_a_patch_that_keeps_citations():
    """Written into the files it loads, says the new numbers, cites what the row cited and the sources of its basis."""
    start = CATALOG.start("vllm-0.12.0-scout-h200-sxm-8-2m")
    more = replace(start, derived_gib={"gpu_memory_taken_before": 3.0})
    found = calibrate(replace(CATALOG, starts={**CATALOG.starts, start.id: more}))
    files = spec_files(specs_folder())
    proposed = proposed_files(found, files)
    built = build({**files, **{path: text.encode() for path, text in proposed.items()}})
    (change,) = (each for each in found.changes if each.field == "memory.driver_context")
    place = f"{change.place}.high"

    assert list(proposed) == ["estimates/vllm.yaml"]
    assert dict(built.estimate("vllm").quantities())["memory.driver_context"].rows[change.index] == change.new
    old = {each.source.id for each in CATALOG.cite("estimates/vllm", place)}
    assert {each.source.id for each in built.cite("estimates/vllm", place)} >= old | set(change.sources)
    text = patch(proposed, files)
    assert text.startswith("--- a/specs/estimates/vllm.yaml\n+++ b/specs/estimates/vllm.yaml\n")
    added = [line for line in text.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert added
    assert len(added) <= 6


def test_rows_cite_the_sources_of_what_set_them():
    """Every logged or fitted row: each record of its basis is of one of the sources that the row cites."""
    for set_ in CATALOG.estimates.values():
        for field, quantity in set_.quantities():
            for index, row in enumerate(quantity.rows):
                if row.method not in {"logged", "fitted"}:
                    continue
                cited = {each.source.id for each in CATALOG.cite(f"estimates/{set_.id}", f"{field}.rows.{index}.value")}
                for id_ in row.basis:
                    kind = "starts" if id_ in CATALOG.starts else "measurements"
                    own = {each.source.id for each in CATALOG.cite(f"{kind}/{id_}", "accelerator")}
                    assert own & cited, (set_.id, field, index, id_)


def test_an_edit_leaves_everything_else_as_it_is():
    """A file without changes is returned to the letter."""
    text = (specs_folder() / "estimates" / "vllm.yaml").read_text(encoding="utf-8")

    assert edited(text, ()) == text


def test_equations_are_solved():
    """Also where an unknown is held by none."""
    assert solved([[2.0, 1.0], [1.0, 3.0]], [4.0, 7.0]) == pytest.approx([1.0, 2.0])
    assert solved([[0.0, 0.0], [0.0, 2.0]], [0.0, 4.0]) == [0.0, 2.0]
    assert significant(-0.123456) == -0.123
