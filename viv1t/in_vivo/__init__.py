"""What the animal did with the stimuli: recordings of later days, read, filtered and compared."""
