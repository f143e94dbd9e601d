"""What the routes answer, put together from the services."""
