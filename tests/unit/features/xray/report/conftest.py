from factories.xray_reported import _reported, reported  # noqa: F401 - pytest finds fixtures
