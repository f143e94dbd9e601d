"""What goes wrong when single images are asked about, beneath the one root (P-3).

DeepMedError
├── ValidationError
│   └── UnreadableUploadError   400  no X-ray can be had from what was sent
└── ModelError
    └── NoModelError            503  no completed run of this owner could answer
"""

from deepmed.kit.errors import ModelError, ValidationError


class UnreadableUploadError(ValidationError):
    """No X-ray can be had from what was sent; nothing was predicted or stored."""

    code = "unreadable_upload"


class NoModelError(ModelError):
    """There is no trained model yet, so nothing was predicted. Train one first."""

    code = "no_model"
