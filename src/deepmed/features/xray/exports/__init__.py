"""A run's model for use elsewhere, with what its use needs and what it was checked with."""
