"""What the demo's collections are called, so that its drawings are told from a person's own."""

TYPICAL_DATASET = "demo: typical samples"
PLANTED_DATASET = "demo: planted anomalies"
LICENCE = "Drawn by a program; part of DeepMed."
