"""Training: command line, loop, evaluation."""
