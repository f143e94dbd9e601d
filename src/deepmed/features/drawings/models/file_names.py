"""Names of a model's files, for whoever reads them without training."""

ITEMS_FILE = "items.json"
