"""Why a run of steps came back: the last value but one of every ``run``."""

DONE = 0  # all steps taken
REACHED = 1  # the loss is at most stop_loss
DIVERGED = 2  # the loss is above blow_up, or nan
