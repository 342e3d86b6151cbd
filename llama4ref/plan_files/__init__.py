"""How is a plan kept in a file, and read again?

`save_plan` writes it with the promises that were made; `load_plan` reads it strictly, computes the promises again from the settings
in the file, and says in the plan's caveats what is no longer as it was promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from llama4ref.facts.catalog import Catalog
    from llama4ref.planning.outcomes import HostedPlan, Plan


def save_plan(plan: Plan | HostedPlan, path: str | Path) -> None:
    """Write a plan to a file: JSON where its name ends in `.json`, YAML everywhere else. A file that is there is replaced.

    Raises:
        RequestError: for a hosted plan, which nothing is launched for.
        PlanFileError: where there can be no such file.
    """
    from llama4ref.plan_files.writing import write_plan

    write_plan(plan, path)


def load_plan(path: str | Path, catalog: Catalog | None = None) -> Plan:
    """The plan of a file, with everything that follows from its settings computed again from the facts.

    Raises:
        PlanFileError: with line and field, where the file holds no plan, or one that contradicts itself or the facts.
    """
    from llama4ref.facts import load
    from llama4ref.plan_files.reading import read_plan_file
    from llama4ref.plan_files.restoring import restored

    return restored(read_plan_file(path), load() if catalog is None else catalog)


__all__ = ["load_plan", "save_plan"]
