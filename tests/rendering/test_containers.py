"""Compose files and Kubernetes manifests hold the plan's settings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref import PlanRequest, plan
from llama4ref.errors import FormError, ReleaseError, RequestError, UnknownNameError
from llama4ref.rendering import FORMS, render
from llama4ref.rendering.compose import render_compose
from llama4ref.rendering.containers import container_of
from llama4ref.rendering.environment_file import render_environment
from llama4ref.rendering.kubernetes import render_kubernetes, resource_name
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan


def test_compose_starts_the_command_of_the_plan(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Image of the release, all GPUs, and the words of the command line."""
    plan = plans["scout-1m-8xh100"]
    service = yaml.safe_load(render_compose(plan, vllm_facts))["services"]["vllm"]
    device = service["deploy"]["resources"]["reservations"]["devices"][0]

    assert service["image"] == "vllm/vllm-openai:v0.32.0"
    assert [*service["entrypoint"], *service["command"]] == [
        "vllm",
        "serve",
        *server_command(plan.config, vllm_facts).words,
    ]
    assert (device["driver"], device["count"]) == ("nvidia", 8)


@pytest.mark.parametrize(
    ("asked", "tag"),
    [("0.19", "v0.19.0"), ("v0.32.0.0", "v0.32.0"), ("0.24.0+cu130", "v0.24.0"), ("0.8.5.post1", "v0.8.5.post1")],
)
def test_an_image_has_the_tag_of_a_published_release(asked: str, tag: str, vllm_facts: Engine) -> None:
    """However the release was written."""
    request = PlanRequest(model="scout", gpu="h100-sxm", count=8, context="128K", engine_release=asked)
    service = yaml.safe_load(render_compose(plan(request).best, vllm_facts))["services"]["vllm"]

    assert service["image"] == f"vllm/vllm-openai:{tag}"


def test_compose_finds_no_variables_in_values(with_settings: Callable[..., Plan], vllm_facts: Engine) -> None:
    """A dollar sign stays one."""
    plan = with_settings({"served-model-name": "a$b"}, environment={"VLLM_LOGGING_LEVEL": "$X"})
    service = yaml.safe_load(render_compose(plan, vllm_facts))["services"]["vllm"]

    assert service["command"][-1] == "a$$b"
    assert service["environment"]["VLLM_LOGGING_LEVEL"] == "$$X"


def test_compose_passes_amd_devices_by_path(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """ROCm has an image of its own."""
    service = yaml.safe_load(render_compose(plans["scout-mi300x-no-hybrid"], vllm_facts))["services"]["vllm"]

    assert service["image"] == "vllm/vllm-openai-rocm:v0.32.0"
    assert service["devices"] == ["/dev/kfd", "/dev/dri"]
    assert (service["cap_add"], service["security_opt"]) == (["SYS_PTRACE"], ["seccomp=unconfined"])


@pytest.mark.parametrize(("release", "platform"), [("0.13.0", "rocm"), ("0.32.0", "xpu")])
def test_an_image_that_was_never_published_is_not_named(
    plans: dict[str, Plan], vllm_facts: Engine, release: str, platform: str
) -> None:
    """Where and since when images are published is a fact of the engine; without one the answer is no."""
    plan = plans["scout-mi300x-no-hybrid"]
    accelerator = dataclasses.replace(plan.accelerator, platform=platform)
    changed = dataclasses.replace(
        plan, config=dataclasses.replace(plan.config, release=release), accelerator=accelerator
    )

    with pytest.raises(FormError, match=f"{release} is not published as an image"):
        container_of(changed, vllm_facts)
    without = dataclasses.replace(vllm_facts, images={})
    with pytest.raises(FormError, match="is not published as an image"):
        container_of(plan, without)


@pytest.mark.parametrize("release", ["0.32.99", "0.33.0rc9", "99.0.0", "latest"])
def test_the_tag_of_a_release_that_never_was_is_not_written(
    with_settings: Callable[..., Plan], vllm_facts: Engine, release: str
) -> None:
    """Nor is anything else written for it."""
    for form in FORMS:
        with pytest.raises(ReleaseError, match=release):
            render(with_settings({}, release=release), form, vllm_facts)


def test_kubernetes_is_a_deployment_and_its_service(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """The service selects the pods and names the container's port; limits ask for all GPUs."""
    plan = plans["maverick-images-tools-8xh200"]
    deployment, service = yaml.safe_load_all(render_kubernetes(plan, vllm_facts))
    pod = deployment["spec"]["template"]
    container = pod["spec"]["containers"][0]
    mounted = {mount["name"] for mount in container["volumeMounts"]}

    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
    assert container["args"] == list(server_command(plan.config, vllm_facts).words)
    assert container["resources"]["limits"] == {"nvidia.com/gpu": "8"}
    assert mounted == {volume["name"] for volume in pod["spec"]["volumes"]}


def test_kubernetes_sets_the_environment(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Variables of the plan reach the container as text."""
    deployment, _ = yaml.safe_load_all(render_kubernetes(plans["scout-hybrid-opt-in-0.13"], vllm_facts))
    given = {each["name"]: each.get("value") for each in deployment["spec"]["template"]["spec"]["containers"][0]["env"]}

    assert given["VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE"] == "1"


def test_the_port_of_the_plan_is_published(with_settings: Callable[..., Plan], vllm_facts: Engine) -> None:
    """Another port than the default is used throughout."""
    plan = with_settings({"port": 9001})
    compose = render_compose(plan, vllm_facts)
    _, service = yaml.safe_load_all(render_kubernetes(plan, vllm_facts))

    assert yaml.safe_load(compose)["services"]["vllm"]["ports"] == ["127.0.0.1:9001:9001"], "not on every interface"
    assert "127.0.0.1:9001/health" in compose
    assert service["spec"]["ports"][0]["port"] == 9001


@pytest.mark.parametrize("port", ["http", 0, 65_536, "-1"])
def test_a_port_that_is_none_is_refused(with_settings: Callable[..., Plan], vllm_facts: Engine, port: object) -> None:
    """Before it is published anywhere."""
    with pytest.raises(RequestError, match="--port: found"):
        render_compose(with_settings({"port": port}), vllm_facts)


def test_a_busy_server_is_neither_restarted_nor_taken_out_of_service(
    plans: dict[str, Plan], vllm_facts: Engine
) -> None:
    """One answer that takes longer than Kubernetes' own second is no failure yet, and restarts come last."""
    deployment, _ = yaml.safe_load_all(render_kubernetes(plans["scout-1m-8xh100"], vllm_facts))
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    ready, alive, start = (container[f"{kind}Probe"] for kind in ("readiness", "liveness", "startup"))

    assert all(1 < probe["timeoutSeconds"] <= probe["periodSeconds"] for probe in (ready, alive, start))
    assert 1 < ready["failureThreshold"] < alive["failureThreshold"] < start["failureThreshold"]


def test_the_environment_file_has_a_line_for_each_variable(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Other lines are comments."""
    text = render_environment(plans["scout-hybrid-opt-in-0.13"], vllm_facts)
    lines = [line for line in text.splitlines() if not line.startswith("#")]

    assert lines == ["VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE=1"]


def test_an_environment_file_cannot_hold_line_breaks(with_settings: Callable[..., Plan], vllm_facts: Engine) -> None:
    """They are refused rather than written wrongly."""
    with pytest.raises(FormError, match="no line breaks"):
        render_environment(with_settings({}, environment={"NAME": "a\nb"}), vllm_facts)


@pytest.mark.parametrize("form", ["compose", "kubernetes"])
def test_several_nodes_do_not_fit_one_container(plans: dict[str, Plan], vllm_facts: Engine, form: str) -> None:
    """The error names the form that can."""
    with pytest.raises(FormError, match="--as command") as refused:
        render(plans["scout-2-nodes"], form, vllm_facts)

    assert refused.value.exit_code == 1, "the call is right; the answer is no"


def test_an_unknown_form_offers_the_nearest(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """A slip of spelling is met."""
    with pytest.raises(UnknownNameError, match="did you mean kubernetes"):
        render(plans["scout-1m-8xh100"], "kubernets", vllm_facts)


@pytest.mark.parametrize("text", ["RedHatAI/Llama_4.Scout", "x" * 100, "-a-"])
def test_resource_names_are_dns_labels(text: str) -> None:
    """Lowercase letters, digits and inner hyphens, 63 at most."""
    name = resource_name(text)

    assert 0 < len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert name == name.lower().strip("-")
