"""What must hold of a data folder at any moment, and what must hold once all work is done."""

import os
import time
from typing import Any

from integration.acceptance.terminal import Home

ONCE = {
    "drawing_children": "owner_id, code",
    "drawings": "owner_id, source_hash",
    "drawing_embeddings": "drawing_id, encoder",
    "datasets": "owner_id, name, content_hash",
    "dataset_items": "dataset_id, name",
    "artifacts": "owner_id, recipe_hash",
    "age_group_models": "owner_id, recipe_hash",
    "age_group_model_members": "model_id, drawing_id",
    "anomaly_analyses": "owner_id, drawing_id, inputs_hash",
    "interpretability_results": "analysis_id, method",
}
"""What makes an object of each table the same object."""
LONG_AGO = 2 * 60 * 60


def assert_intact(home: Home) -> None:
    """At any moment: the database is whole, no object is there twice, no row lacks its file."""
    if not (home.folder / "deepmed.db").exists():
        return
    assert home.query("PRAGMA integrity_check") == [("ok",)]
    assert home.query("PRAGMA foreign_key_check") == []
    if not home.query("SELECT 1 FROM sqlite_master WHERE name = 'drawings'"):
        return
    for table, key in ONCE.items():
        known = " AND ".join(f"{column} IS NOT NULL" for column in key.split(", "))
        twice = home.query(
            f"SELECT {key} FROM {table} WHERE {known} GROUP BY {key} HAVING count(*) > 1"  # noqa: S608 - the names above
        )
        assert twice == [], f"{table} holds {twice} twice"
    assert _active_twice(home) == []
    there = home.files()
    assert named_files(home) <= there, named_files(home) - there
    assert named_artifacts(home) <= artifact_folders(there)


def assert_complete(home: Home) -> None:
    """Once all work is done: nothing is left over that the sweeps do not take, and all is right."""
    assert_intact(home)
    assert home.count("artifacts") == home.count("age_group_models")
    assert home.run("db", "check").code == 0
    sweep(home)
    there = home.files()
    assert artifact_folders(there) == named_artifacts(home)
    others = {name for name in there if not name.startswith("artifacts/")}
    assert others == named_files(home)
    verified = home.do("registry", "verify")["artifacts"]
    assert [one["ok"] for one in verified] == [True] * home.count("artifacts")


def sweep(home: Home) -> list[str]:
    """Let the sweeps take what was left behind, as they would an hour later."""
    moment = time.time() - LONG_AGO
    for path in (home.folder / "files").rglob("*"):
        os.utime(path, (moment, moment))
    swept: list[str] = home.do("registry", "sweep")["deleted"]
    return swept + home.do("drawings", "sweep")["deleted"]


def named_files(home: Home) -> set[str]:
    """The files of pictures and maps that rows name."""
    return {
        name
        for (name,) in home.query(
            "SELECT file_path FROM drawings UNION SELECT saliency_map_path FROM "
            "interpretability_results UNION SELECT overlay_image_path FROM interpretability_results"
        )
    }


def named_artifacts(home: Home) -> set[str]:
    """The folders of the artefacts that rows name."""
    rows = home.query("SELECT uid, revision, manifest_hash FROM artifacts")
    return {f"artifacts/{uid}/{number:06d}-{digest[:16]}" for uid, number, digest in rows}


def artifact_folders(files: set[str]) -> set[str]:
    return {"/".join(name.split("/")[:3]) for name in files if name.startswith("artifacts/")}


def content(home: Home) -> dict[str, Any]:
    """What a data folder knows, without what names a moment or a run."""
    return {
        "drawings": home.query(
            "SELECT original_name, source_hash, pixel_hash, age_years, subject, code, is_blank, "
            "duplicate_of IS NOT NULL FROM drawings JOIN drawing_children "
            "ON drawing_children.id = child_id ORDER BY original_name"
        ),
        "datasets": home.query("SELECT name, version, content_hash FROM datasets ORDER BY version"),
        "vectors": home.query(
            "SELECT original_name, encoder, vector_hash FROM drawing_embeddings "
            "JOIN drawings ON drawings.id = drawing_id ORDER BY original_name, encoder"
        ),
        "models": home.query(
            "SELECT kind, age_min, age_max, recipe_hash, is_active, active_key, needs_retraining "
            "FROM age_group_models ORDER BY kind, age_min"
        ),
        "members": home.query(
            "SELECT kind, original_name, part, twin_part, score, twin_score FROM "
            "age_group_model_members JOIN age_group_models ON age_group_models.id = model_id "
            "JOIN drawings ON drawings.id = drawing_id ORDER BY kind, original_name"
        ),
        "analyses": home.query(
            "SELECT original_name, decision, role, anomaly_score, p_value, is_anomaly "
            "FROM anomaly_analyses JOIN drawings ON drawings.id = drawing_id "
            "ORDER BY original_name, anomaly_score"
        ),
        "explanations": home.query(
            "SELECT original_name, method, saliency_map_path FROM interpretability_results JOIN "
            "anomaly_analyses ON anomaly_analyses.id = analysis_id JOIN drawings "
            "ON drawings.id = drawing_id ORDER BY original_name, method"
        ),
    }


def _active_twice(home: Home) -> list[tuple[Any, ...]]:
    return home.query(
        "SELECT owner_id, kind, age_min, age_max FROM age_group_models WHERE is_active "
        "GROUP BY owner_id, kind, age_min, age_max HAVING count(*) > 1"
    )
