"""What does not load, and how it is said: all faults of all files at once."""

from __future__ import annotations

import textwrap

import pytest

from llama4ref.errors import Fault, SpecErrors
from llama4ref.facts.building import build

SOURCES = """
card:
  title: "Model card"
  publisher: "Meta"
  url: unknown
  kind: developer
  primary: true
  revision: unknown
  published: unknown
  retrieved: "2026-11-21"
  licence: unknown
"""
FORMAT = """
source: card
at: "table 1"
name: "BF16"
element:
  bits: 16
  kind: float
  exponent_bits: 8
  mantissa_bits: 7
scale: none
outer_scale: none
activation: none
average_bits: none
vllm_methods: [unquantized]
note: none
"""
PROVIDER = """
source: card
at: "price list"
name: "Somebody"
kind: inference
homepage: unknown
offers:
  - model: behemoth
    name: "somebody/behemoth"
    as_of: "2026-08-06"
    status: listed
    context_tokens: 1_000
    max_output_tokens: 100
"""
MODEL = """
source: card
at: "page"
name: "Behemoth"
developer: "Meta"
released: none
status: previewed
modalities_in: [text]
modalities_out: [text]
license: unknown
knowledge_cutoff: unknown
languages: []
architecture_class: unknown
repositories: {}
text: unknown
attention: unknown
rope: unknown
experts: unknown
dense: unknown
vision: unknown
context: unknown
tokens: unknown
"""


def _files(**changed: str) -> dict[str, bytes]:
    files = {"sources.yaml": SOURCES, "formats/bf16.yaml": FORMAT} | changed
    return {name: textwrap.dedent(text).encode() for name, text in files.items()}


def _faults(**changed: str) -> list[Fault]:
    with pytest.raises(SpecErrors) as caught:
        build(_files(**changed))
    assert str(caught.value).startswith(f"{len(caught.value.faults)} fault")
    return list(caught.value.faults)


def _with(name: str, text: str) -> list[Fault]:
    return _faults(**{name: text})


def test_a_spec_becomes_a_typed_entity():
    """Its id is the file's name, and each leaf has its citation."""
    catalog = build(_files())

    assert catalog.format("bf16").element.bits == 16
    assert catalog.format("bf16").id == "bf16"
    assert [each.at for each in catalog.cite("formats/bf16", "element.bits")] == ["table 1"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("bits: 16", "bits: sixteen", ("element.bits", "'sixteen'", "valid integer")),
        ("bits: 16", "bits: 0", ("element.bits", "0", "greater than 0")),
        ("bits: 16", 'bits: "16"', ("element.bits", "'16'", "valid integer")),
        ("bits: 16", "bits: 16.5", ("element.bits", "16.5", "valid integer")),
        ("bits: 16", "bits: true", ("element.bits", "True", "valid integer")),
        ("bits: 16", "bits: unknown", ("element.bits", "unknown", "valid integer")),
        ("bits: 16", "bits: [16]", ("element.bits", "[16]", "valid integer")),
        ("kind: float", "kind: flaot", ("element.kind", "'flaot'", "'float'")),
        ("  bits: 16\n", "", ("element.bits", "nothing", "a value")),
        ("bits: 16", "bits: 16\n  bitz: 16", ("element.bitz", "an unknown key", "a field of the schema")),
        ("scale: none", "scale: 4", ("scale", "4", "")),
        ("[unquantized]", "unquantized", ("vllm_methods", "'unquantized'", "")),
        ("source: card\n", "", ("name", "no source", "a source")),
        ("source: card\n", "source: crad\n", ("name", "source crad", "a key of sources.yaml")),
        ("bits: 16", "bits: 16\n  bits: 8", ("element.bits", "the key a second time", "each key once")),
        ('name: "BF16"', 'name: "BF16"\nid: bf16', ("id", "an id", "the file name")),
    ],
)
def test_a_fault_says_where_what_and_what_was_expected(old: str, new: str, expected: tuple[str, str, str]):
    """File, line and field, what was found, what is expected, what to do."""
    assert old in FORMAT
    text = FORMAT.replace(old, new, 1)
    field, found, wanted = expected
    faults = [fault for fault in _with("formats/bf16.yaml", text) if fault.field == field]

    assert len(faults) == 1
    (fault,) = faults
    assert fault.file == "specs/formats/bf16.yaml"
    assert found in fault.found
    assert wanted in fault.expected
    assert fault.do
    lines = text.splitlines()
    assert field.split(".")[-1] in lines[fault.line - 1] or (found == "nothing" and "element" in lines[fault.line - 1])


def test_all_faults_of_all_files_are_one_report():
    """Unknown key, duplicate key, wrong type, missing and dangling source, a trap, and facts that exclude each other."""
    faults = _faults(
        **{
            "formats/bf16.yaml": FORMAT.replace("bits: 16", "bits: sixteen").replace(
                "note: none", "note: none\nnte: none"
            ),
            "formats/nf4.yaml": FORMAT.replace("source: card", "source: crad"),
            "formats/fp8.yaml": FORMAT.replace("note: none", "note: off\nnote: none"),
            "formats/mxfp4.yaml": "just words",
            "providers/somebody.yaml": PROVIDER.replace("max_output_tokens: 100", "max_output_tokens: 2_000"),
            "providers/nobody.yaml": PROVIDER.replace("model: behemoth", "model: behemot"),
            "models/behemoth.yaml": MODEL,
            "sources.yaml": SOURCES.replace("kind: developer", "kind: develloper"),
        }
    )
    found = {(fault.file.removeprefix("specs/"), fault.field) for fault in faults}

    assert ("formats/bf16.yaml", "element.bits") in found
    assert ("formats/bf16.yaml", "nte") in found
    assert ("formats/nf4.yaml", "name") in found
    assert ("formats/fp8.yaml", "note") in found
    assert ("formats/mxfp4.yaml", "") in found
    assert ("providers/somebody.yaml", "offers.0.max_output_tokens") in found
    assert ("providers/nobody.yaml", "offers.0.model") in found
    assert ("sources.yaml", "card.kind") in found
    assert [(fault.file, fault.line) for fault in faults] == sorted((fault.file, fault.line) for fault in faults)


def test_a_fault_of_one_source_is_not_repeated_by_who_cites_it():
    """The source is there; only its own entry is at fault."""
    faults = _with("sources.yaml", SOURCES.replace("primary: true", "primary: 1"))

    assert [(fault.file, fault.field) for fault in faults] == [("specs/sources.yaml", "card.primary")]


def test_sources_that_cannot_be_read_are_one_fault():
    """Nobody else is blamed for them."""
    faults = _with("sources.yaml", "card: {title: 'x'")

    assert [fault.file for fault in faults] == ["specs/sources.yaml"]


def test_one_mistake_is_one_fault():
    """A trap where a number is expected is not reported as a wrong type as well."""
    faults = _with("formats/bf16.yaml", FORMAT.replace("bits: 16", "bits: 010"))

    assert [fault.found for fault in faults] == ["`010`"]


def test_a_name_that_leads_to_a_broken_file_does_not_dangle():
    """The file is there; it is its own faults that are reported."""
    faults = _faults(
        **{
            "providers/somebody.yaml": PROVIDER,
            "models/behemoth.yaml": MODEL.replace("status: previewed", "status: odd"),
        }
    )

    assert {fault.file for fault in faults} == {"specs/models/behemoth.yaml"}


def test_a_dangling_name_is_offered_the_nearest():
    """Or the file that would have to be written."""
    faults = _faults(**{"providers/a.yaml": PROVIDER.replace("behemoth", "behemot"), "models/behemoth.yaml": MODEL})

    dangling = next(fault for fault in faults if fault.field == "offers.0.model")
    assert dangling.found == "behemot"
    assert dangling.do == "did you mean behemoth"


def test_bytes_that_are_not_text_are_a_fault():
    """Where the file is not UTF-8."""
    files = _files() | {"formats/odd.yaml": b"name: \xff\xfe"}
    with pytest.raises(SpecErrors) as caught:
        build(files)

    assert [(fault.file, fault.found) for fault in caught.value.faults] == [
        ("specs/formats/odd.yaml", "bytes that are not UTF-8")
    ]
