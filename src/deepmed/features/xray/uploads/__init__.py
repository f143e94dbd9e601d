"""ZIPs that came over HTTP: kept, looked into before a training, and trained on."""

from deepmed.features.xray.uploads.stored import FOLDER, Upload, Uploads, label_of

__all__ = ["FOLDER", "Upload", "Uploads", "label_of"]
