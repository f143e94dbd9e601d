from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel

from deepmed.features.drawings.data_export.service import ENDINGS, Export


class ExportMade(BaseModel):
    export_name: str
    export_path: str
    timestamp: datetime
    format: str
    size_bytes: int
    size_mb: float
    record_counts: dict[str, int]
    includes_embeddings: bool
    status: Literal["completed"] = "completed"

    @classmethod
    def of(cls, made: Export) -> Self:
        return cls(
            export_name=made.name,
            export_path=f"exports/{made.name}{ENDINGS[made.format]}",
            timestamp=made.made_at,
            format=made.format,
            size_bytes=made.size,
            size_mb=round(made.size / 2**20, 2),
            record_counts=made.record_counts,
            includes_embeddings=made.includes_embeddings,
        )
