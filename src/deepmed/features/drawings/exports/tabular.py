"""The answer as one row of a table, and as one JSON object (contract 6)."""

import json
from typing import Any

from deepmed.features.drawings.exports.content import ExportContent
from deepmed.kit.exports import csv_text


def row_of(content: ExportContent) -> dict[str, Any]:
    """The contract's columns in their order, then ours."""
    analysis, drawing = content.explanation.analysis, content.explanation.drawing
    options = content.wanted.options
    found = {
        "analysis_id": analysis.id,
        "drawing_id": drawing.id,
        "filename": drawing.filename if options.include_metadata else None,
        "age_years": drawing.age_years if options.include_metadata else None,
        "subject": drawing.subject if options.include_metadata else None,
        "anomaly_score": analysis.anomaly_score,
        "normalized_score": analysis.normalized_score,
        "is_anomaly": analysis.is_anomaly,
        "confidence": analysis.confidence if options.include_confidence else None,
        "analysis_timestamp": analysis.analysis_timestamp.isoformat(),
        "explanation_text": "\n".join(content.sentences),
    }
    if not content.wanted.simplified:
        found |= {"p_value": analysis.p_value, "decision": analysis.decision, "role": analysis.role}
    if content.wanted.comparisons:
        found["comparisons"] = "\n".join(
            f"{one.name}: similarity {one.similarity:.4f}" for one in content.comparisons
        )
    if content.wanted.annotations:
        found["annotations"] = "\n".join(
            f"{one['annotation_type']}, {one['region_id']}, {one['author']}: "
            f"{one['annotation_text']}"
            for one in content.annotations
        )
    return found


def write_csv(content: ExportContent) -> bytes:
    """A header and one row; no cell is a formula (S-27)."""
    return csv_text([row_of(content)]).encode()


def object_of(content: ExportContent) -> dict[str, Any]:
    """The contract's object, with what was asked for beside it."""
    row = row_of(content)
    explanation = content.explanation
    number = explanation.analysis.id
    found: dict[str, Any] = {
        "analysis_id": row["analysis_id"],
        "drawing_id": row["drawing_id"],
        "drawing_filename": row["filename"],
        **{
            name: row[name]
            for name in (
                "age_years",
                "subject",
                "anomaly_score",
                "normalized_score",
                "is_anomaly",
                "confidence",
                "analysis_timestamp",
            )
        },
        "interpretability": {
            "saliency_map_path": f"/api/v1/analysis/{number}/saliency.json",
            "overlay_image_path": f"/api/v1/analysis/{number}/overlay.png",
            "explanation_text": row["explanation_text"],
            "importance_regions": json.dumps(_regions(content)),
        },
        "regions": [region.model_dump() for region in content.regions],
        "limits": list(content.limits),
        "export_metadata": {
            "export_timestamp": content.made.isoformat(),
            "export_options": content.wanted.told(),
        },
    }
    if not content.wanted.simplified:
        found["results"] = explanation.analysis.results
        found["content"] = explanation.row.facts["content"]
        if content.wanted.options.include_saliency:
            found["faithfulness"] = explanation.faithfulness
    if content.wanted.comparisons:
        found["comparison_examples"] = [one.to_dict() for one in explanation.neighbours]
    if content.wanted.annotations:
        found["annotations"] = list(content.annotations)
    return found


def write_json(content: ExportContent) -> bytes:
    return json.dumps(object_of(content), indent=1, default=str, ensure_ascii=False).encode()


def _regions(content: ExportContent) -> list[dict[str, Any]]:
    return content.explanation.regions if content.wanted.options.include_saliency else []
