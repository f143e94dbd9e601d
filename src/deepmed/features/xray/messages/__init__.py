"""What trainings say, on its way to whoever listens, and where it comes from."""
