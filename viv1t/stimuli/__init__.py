"""Pictures and movies as arrays of grey values: gratings, apertures, noise."""
