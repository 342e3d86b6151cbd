"""What to run: from a request to plans with their reasons, and refusals with their rules."""

from llama4ref.engine.engine_config import Reason
from llama4ref.planning.outcomes import Alternative, HostedPlan, Plan, PlanResult, Refusal, SizedPlan
from llama4ref.planning.planner import alternatives_to, plan
from llama4ref.planning.request import PlanRequest

__all__ = [
    "Alternative",
    "HostedPlan",
    "Plan",
    "PlanRequest",
    "PlanResult",
    "Reason",
    "Refusal",
    "SizedPlan",
    "alternatives_to",
    "plan",
]
