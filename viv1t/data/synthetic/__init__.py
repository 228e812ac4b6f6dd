"""A mouse whose tuning is known: population, movies and recordings."""
