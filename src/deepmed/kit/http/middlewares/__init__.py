"""What every request passes through, each part pure ASGI, so that streams stay streams."""
