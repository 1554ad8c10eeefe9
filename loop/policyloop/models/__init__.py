"""Models that propose: Claude, any program, a recording. Each keeps to `policyloop.task.Model`."""
