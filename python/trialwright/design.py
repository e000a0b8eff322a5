"""The design of trials: events, power, sample size, group-sequential boundaries. Levels are one-sided."""

from trialwright._trialwright import EventPlan, GroupSequential, SampleSize, Trial, group_sequential
from trialwright._trialwright import design_detectable as detectable
from trialwright._trialwright import design_events as events
from trialwright._trialwright import design_power as power

__all__ = [
    "EventPlan",
    "GroupSequential",
    "SampleSize",
    "Trial",
    "detectable",
    "events",
    "group_sequential",
    "power",
]
