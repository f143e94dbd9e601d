"""What each page shows, put together from the services.

Each module is loaded when its page is first asked for.
"""
