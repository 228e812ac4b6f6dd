"""The report: all that was found so far about some runs, on one page."""
