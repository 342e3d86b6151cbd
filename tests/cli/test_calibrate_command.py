"""`llama4ref calibrate`: what changes, and where it is written."""

from __future__ import annotations

import shutil

import pytest

from llama4ref.facts.loading import specs_folder

RECORD = "vllm-0.15.1-scout-h100-sxm-2-547-248.yaml"


@pytest.fixture
def specs(tmp_path):
    """A folder of specs of one's own."""
    folder = tmp_path / "specs"
    shutil.copytree(specs_folder(), folder)
    return folder


def slower(text: str) -> str:
    """A measurement with the latencies of one batch doubled."""
    return text.replace("value: 0.017902", "value: 0.035804").replace("value: 0.0578", "value: 0.1156")


def test_the_packaged_estimates_follow_from_their_records(call):
    """Nothing changes, so the check is passed."""
    answer = call("calibrate", "--check")

    assert answer.code == 0
    assert "are what the starts and measurements give" in answer.out


def test_a_changed_basis_fails_the_check_until_it_is_written(call, specs):
    """Exit code 1 and each change with what moved it; then the specs are what the fit gives."""
    start = specs / "starts" / "vllm-2026-unnamed-b300-4.yaml"
    start.write_text(start.read_text(encoding="utf-8").replace("264.19", "263.19"), encoding="utf-8")
    answer = call("calibrate", "--specs", str(specs), "--check", "--json")

    assert answer.code == 1
    (change,) = answer.json["changes"]
    assert (change["field"], change["old"]["value"], change["new"]["value"]) == ("memory.driver_context", 3584, 4608)
    assert change["alone"] == ["vllm-2026-unnamed-b300-4"]
    assert call("calibrate", "--specs", str(specs), "--write", "specs").code == 0
    assert call("calibrate", "--specs", str(specs), "--check").code == 0
    assert call("check", "--specs", str(specs), "--no-engine").code == 0


@pytest.mark.slow
def test_a_record_of_ones_own_is_proposed_as_a_patch(call, specs, tmp_path):
    """With the record as a new file; the specs stay as they are."""
    record, target = tmp_path / RECORD.replace("547", "mine"), tmp_path / "mine.patch"
    record.write_text(slower((specs / "measurements" / RECORD).read_text(encoding="utf-8")), encoding="utf-8")
    answer = call("calibrate", "--specs", str(specs), "--with", str(record), "--write", str(target), "--json")
    text = target.read_text(encoding="utf-8")

    assert answer.code == 0
    assert any(record.stem in change["moved_by"] for change in answer.json["changes"])
    assert answer.json["speed_errors"]["after"]["vllm"] < answer.json["speed_errors"]["before"]["vllm"]
    assert f"+++ b/specs/measurements/{record.name}" in text
    assert "+++ b/specs/estimates/vllm.yaml" in text
    assert not (specs / "measurements" / record.name).exists()


def test_a_record_that_cannot_be_read_is_a_fault_with_its_line(call, tmp_path):
    """One message, exit code 2."""
    record = tmp_path / "vllm-mine.yaml"
    record.write_text("model: scout\n", encoding="utf-8")
    answer = call("calibrate", "--with", str(record))

    assert answer.code == 2
    assert "specs/measurements/vllm-mine.yaml:1" in answer.err
