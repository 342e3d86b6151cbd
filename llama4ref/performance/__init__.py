"""How fast and how dear: operators, roofline, batching, throughput, cost."""

from llama4ref.performance.cost import HostedCost, RentedCost, hosted_cost, rented_cost
from llama4ref.performance.throughput import Estimated, Performance, estimate
from llama4ref.performance.workload import Workload

__all__ = [
    "Estimated",
    "HostedCost",
    "Performance",
    "RentedCost",
    "Workload",
    "estimate",
    "hosted_cost",
    "rented_cost",
]
