"""On which paths the bodies of the contracts of drawings and of X-rays are promised.

What is not offered is told as a standard problem, so its paths are not among them.
"""

_API = (
    "drawings",
    "analysis",
    "interpretability",
    "models",
    "training",
    "config",
    "health",
    "metrics",
    "alerts",
    "status",
    "backup",
    "cleanup",
    "export",
    "storage",
    "demo",
    "database",
)
_PREFIXES = (
    *(f"/api/v1/{name}" for name in _API),
    "/health",
    "/metrics",
    "/monitoring",
    "/demo",
    "/auth",
    "/config",
    "/experiments",
    "/api/runs",
    "/api/training",
    "/api/inference",
    "/api/predict_image",
    "/api/reports",
)


def on_contract(path: str) -> bool:
    """Whether the contract says what an answer at this path looks like."""
    return path.startswith(tuple(f"{prefix}/" for prefix in _PREFIXES)) or path in _PREFIXES
