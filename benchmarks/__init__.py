"""What the faster paths save, measured against the plain ones: `python -m benchmarks --help`."""
