"""What people see of the X-rays in a browser.

Addresses stand in `routes` and `results_routes`, and what a page shows in `content`.
"""
