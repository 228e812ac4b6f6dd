"""The proof of the analyses: populations whose tuning is known, and what is recovered of it."""
