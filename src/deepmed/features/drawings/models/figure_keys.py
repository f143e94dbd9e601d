def figure_key(uid: str) -> str:
    """Where the figure of a model's maps is stored; it names children's drawings too."""
    return f"explanations/model-{uid}.json"
