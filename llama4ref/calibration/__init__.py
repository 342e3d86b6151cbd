"""From records of runs to estimates: what logged starts and measurements say about the numbers that memory and speed rest on."""

from llama4ref.calibration.calibrating import Calibration, calibrate
from llama4ref.calibration.changes import Change

__all__ = ["Calibration", "Change", "calibrate"]
