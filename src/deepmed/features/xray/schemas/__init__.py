"""What goes over the wire about X-rays."""
