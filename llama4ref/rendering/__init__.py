"""How is a plan written down? Text out, no files touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan

FORMS = ("command", "config", "env", "compose", "kubernetes")


def render(plan: Plan | HostedPlan, form: str, engine: Engine) -> str:
    """A plan in one of `FORMS`, for the release of the engine that it was made for.

    Raises:
        UnknownNameError: for another form.
        ReleaseError: where a setting or variable is unknown to the plan's release.
        RequestError: for a hosted plan, or a setting of a value that its option does not take.
        FormError: for a plan that the form cannot hold.
    """
    from llama4ref.rendering.command_line import render_command
    from llama4ref.rendering.compose import render_compose
    from llama4ref.rendering.config_file import render_config
    from llama4ref.rendering.environment_file import render_environment
    from llama4ref.rendering.kubernetes import render_kubernetes

    writers = (render_command, render_config, render_environment, render_compose, render_kubernetes)
    by_form = dict(zip(FORMS, writers, strict=True))
    if form not in by_form:
        raise UnknownNameError("form of a plan", form, FORMS)
    return by_form[form](plan, engine)


__all__ = ["FORMS", "render"]
