"""What people see of the drawings in a browser.

Addresses stand in `routes`, and what a page shows in `content`, a module a page.
"""
