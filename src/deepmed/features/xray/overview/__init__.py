"""What runs came to, for lists and sums: the best and the last of their epochs or rounds."""
