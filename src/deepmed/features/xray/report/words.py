"""What figures and rules are called for people."""

WORDS = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "ppv_at_prevalence": "Positive predictive value at the stated prevalence",
    "npv_at_prevalence": "Negative predictive value at the stated prevalence",
    "f1": "F1",
    "brier": "Brier score",
    "ece": "Calibration error",
    "prevalence": "Share of the second class among these images",
}
_MACRO = "macro_"


def in_words(figure: str) -> str:
    """A figure's name."""
    plain = figure.removeprefix(_MACRO)
    told = WORDS.get(plain) or plain.replace("_", " ").capitalize()
    return f"{told}, mean of the classes" if figure.startswith(_MACRO) else told
