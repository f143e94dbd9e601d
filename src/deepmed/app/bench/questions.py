"""What `deepmed bench api` asks a server: each list, each statistic, and each page.

A route that is served with GET stands in one of the tables here, or `EXCEPT` says why it does not;
a test holds the server's routes to that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

LISTS, PAGES, ONE = "lists and statistics", "pages", "single drawings"
LIST_MS, PAGE_MS, GALLERY_MS, ONE_MS = 100.0, 250.0, 50.0, 20.0
API = "/api/v1"


@dataclass(frozen=True)
class Question:
    """An address to ask for, with places such as `{drawing_id}` that the folder fills."""

    path: str
    limit_ms: float
    group: str = LISTS
    method: str = "GET"

    @property
    def route(self) -> str:
        """As `deepmed.app.access` names it."""
        return f"{self.method} {self.path.partition('?')[0]}"


def _table(lines: str, limit_ms: float, group: str) -> Iterator[tuple[str, Question]]:
    """Lines of an address and what it is called, two spaces or more between them."""
    for line in lines.strip().splitlines():
        path, _, name = line.strip().partition("  ")
        yield name.strip(), Question(path, limit_ms, group)


DRAWINGS = f"{API}/drawings/"
QUESTIONS: dict[str, Question] = {
    "first page of the gallery": Question(f"{DRAWINGS}?page=1", GALLERY_MS),
    "middle page of the gallery": Question(f"{DRAWINGS}?page={{middle}}", GALLERY_MS),
    "last page of the gallery": Question(f"{DRAWINGS}?page={{last}}", GALLERY_MS),
    "page of one subject and age": Question(
        f"{DRAWINGS}?subject=house&age_min=6&age_max=7", GALLERY_MS
    ),
    **dict(
        _table(
            """
        /api/v1/drawings/?sort=subject&page={middle}          gallery by subject
        /api/v1/drawings/?expert_label=concern                drawings with one label
        /api/v1/drawings/stats                                statistics of drawings
        /api/v1/analysis/stats                                statistics of analyses
        /api/v1/analysis/stats?subject=house                  the same of one subject
        /api/v1/analysis/drawing/{drawing_id}                 history of a drawing
        /api/v1/analysis/outlook                              outlook on all drawings
        /api/v1/analysis/batch/jobs                           uploads and batches
        /api/v1/analysis/batch/jobs?page=3&page_size=100      older uploads and batches
        /api/v1/analysis/batch/{batch_id}/progress            a batch of 50 with its answers
        /api/v1/analysis/batch/{batch_id}/cohort              cohort of a batch of 50
        /api/v1/analysis/embeddings                           vectors by encoder
        /api/v1/encoders/comparison                           comparison of encoders
        /api/v1/interpretability/examples                     examples of each age group
        /api/v1/interpretability/examples/{age_group}              examples of one age group
        /api/v1/interpretability/{analysis_id}/annotations    notes to an answer
        /api/v1/models/age-groups                             models
        /api/v1/models/status                                 state of the models
        /api/v1/models/data-sufficiency/analyze               data sufficiency
        /api/v1/models/data-sufficiency/age-group/{age_min}/{age_max}  one group's sufficiency
        /api/v1/models/data-sufficiency/warnings              warnings of data sufficiency
        /api/v1/training/models/exports                       exported models
        /api/v1/training/models/deployed                      deployed models
        /api/v1/training/jobs                                 trainings
        /api/v1/training/jobs?status=cancelled                trainings of one state
        /api/v1/training/jobs/{training_job_id}/reports       reports of a training
        /api/v1/training/environments/status                  training environments
        /api/v1/config/                                       configuration
        /api/v1/config/threshold/preview?percentile=90        preview of a percentile
        /api/v1/config/health                                 health of the configuration
        /api/v1/config/stats                                  statistics of the configuration
        /api/v1/config/subjects                               subjects
        /api/v1/config/subjects/statistics                    statistics of subjects
        /api/v1/config/subjects/statistics?subject=house      statistics of one subject
        /api/v1/config/subject-statistics                     subjects by age
        /api/v1/config/models/subject-aware                   subject-aware models
        /api/v1/demo/samples                                  samples of the demo
        /api/v1/demo/statistics                               statistics of the demo
        /api/v1/demo/project-info                             figures of the demo's project
        /api/v1/jobs                                          jobs
        /api/v1/jobs?kind=drawings.train&limit=500            500 jobs of one kind
        /api/v1/jobs?state=failed                             jobs of one state
        /api/v1/health                                        health
        /api/v1/health/detailed                               health of every component
        /api/v1/health/component/{component_name}             health of one component
        /api/v1/metrics                                       metrics
        /api/v1/metrics/history?hours=24                      history of metrics
        /api/v1/alerts                                        alerts
        /api/v1/status                                        status
        /api/v1/metrics/usage                                 usage
        /api/v1/metrics/health                                health as usage tells it
        /api/v1/metrics/sessions                              sessions
        /api/v1/metrics/performance                           performance
        /api/v1/metrics/cloudwatch/status                     state of CloudWatch
        /api/v1/backup/list                                   backups
        /api/v1/storage/info                                  storage
        /api/v1/database/migration-info                       migrations
        /api/v1/database/backup-list                          backups of the database
        /health/detailed                                      health for an operator
        /metrics                                              metrics for an operator
        /monitoring/logs                                      newest requests
        /monitoring/alerts                                    newest failed requests
        /auth/stats                                           statistics of signing in
        """,
            LIST_MS,
            LISTS,
        )
    ),
    "analysis of a stored embedding": Question(
        f"{API}/analysis/analyze/{{drawing_id}}?explain=false", ONE_MS, ONE, "POST"
    ),
    "neighbours": Question(f"{API}/drawings/{{drawing_id}}/neighbours", ONE_MS, ONE),
    **dict(
        _table(
            """
        /                                       page: dashboard
        /drawings                               page: gallery
        /drawings?page={middle_page}            page: middle of the gallery
        /drawings?flagged=yes                   page: flagged drawings
        /drawings?sort=subject&subject=house    page: drawings of a subject
        /drawings/{drawing_id}                  page: a drawing
        /drawings/{drawing_id}/compare          page: a drawing beside others
        /drawings/upload                        page: upload
        /children/{child_id}                    page: a child over age
        /models                                 page: models
        /models/{model_id}                      page: a model
        /trainings                              page: trainings
        /reports                                page: reports
        /encoders                               page: encoders
        /batches                                page: batches
        /batches/outlook                        page: outlook on all drawings
        /batches/{batch_id}                     page: a batch
        /batches/{batch_id}/cohort              page: cohort of a batch of 50
        /thresholds                             page: thresholds
        /thresholds/preview?percentile=90       page: preview of a percentile
        /jobs                                   page: jobs
        /jobs/running                           page: what runs
        /backups                                page: backups
        /status                                 page: status
        /status/storage                         page: storage
        """,
            PAGE_MS,
            PAGES,
        )
    ),
}
EXCEPT: Mapping[str, str] = {
    route: reason
    for reason, routes in {
        "One object by its id, however many there are.": """
            GET /api/v1/jobs/{job_id}
            GET /api/v1/drawings/upload/progress/{upload_id}
            GET /api/v1/drawings/{drawing_id}
            GET /api/v1/analysis/{analysis_id}
            GET /api/v1/interpretability/{analysis_id}/annotations/{annotation_id}
            GET /api/v1/models/training/{job_id}/status
            GET /api/v1/models/creation/{job_id}/status
            GET /api/v1/training/jobs/{training_job_id}
            GET /jobs/{job_id}
            GET /jobs/{job_id}/part
            GET /models/training/{uid}
            GET /backups/{backup_name}
            GET /backups/{backup_name}/restore
            GET /models/training/{uid}/part
            GET /trainings/{uid}
            GET /reports/{uid}
            GET /trainings/{uid}/part
            GET /trainings/sweeps/{uid}
            GET /trainings/sweeps/{uid}/part
            GET /drawings/{drawing_id}/delete
            GET /experiments/status/{experiment_id}
            GET /api/runs/{run_id}/client-metrics
            GET /api/runs/{run_id}/federated-rounds
            GET /api/runs/{run_id}/metrics
            GET /api/runs/{run_id}/server-evaluation
            GET /api/v1/xray/runs/{run_id}
            GET /xrays/jobs/{job_id}
            GET /xrays/runs/{run_id}
            GET /xrays/runs/{run_id}/again
            GET /xrays/runs/{run_id}/augmentation
            GET /xrays/runs/{run_id}/data
            GET /xrays/runs/{run_id}/delete
            GET /xrays/runs/{run_id}/part
            GET /xrays/runs/{run_id}/results
            GET /xrays/runs/{run_id}/results/curves
            GET /xrays/runs/{run_id}/results/slider
            GET /xrays/runs/{run_id}/results/threshold
            GET /xrays/runs/{run_id}/rounds
            GET /xrays/runs/{run_id}/rounds/part
            GET /xrays/predict/worth
            GET /xrays/sources/{uid}
            GET /xrays/sources/{uid}/augmentation
            GET /xrays/sources/{uid}/look
            """,
        "The few runs that are named, of which patients are drawn anew.": """
            GET /api/v1/xray/comparison
            GET /xrays/compare/part
            """,
        "Of trainings on X-rays the folder that is measured holds none.": """
            GET /api/inference/health
            GET /api/runs/analytics/summary
            GET /api/runs/list
            GET /api/v1/xray/served
            GET /config/current
            GET /experiments/list
            GET /xrays
            GET /xrays/compare
            GET /xrays/predict
            """,
        "An explanation of one drawing, which is made where there is none yet.": """
            GET /api/v1/interpretability/{analysis_id}/interactive
            GET /api/v1/interpretability/{analysis_id}/simplified
            GET /api/v1/interpretability/{analysis_id}/confidence
            GET /api/v1/interpretability/{analysis_id}/attribution
            GET /api/v1/demo/samples/{sample_id}
            GET /demo/samples/{sample_id}
            GET /drawings/{drawing_id}/why
            GET /drawings/{drawing_id}/attention
            """,
        "A file.": """
            GET /guide/pictures/{name}
            GET /api/v1/drawings/{drawing_id}/file
            GET /api/v1/drawings/{drawing_id}/thumbnail
            GET /api/v1/analysis/{analysis_id}/overlay.png
            GET /api/v1/analysis/{analysis_id}/saliency.png
            GET /api/v1/analysis/{analysis_id}/saliency.json
            GET /api/v1/interpretability/exports/{export_id}
            GET /api/v1/training/models/exports/{package_id}/file
            GET /api/v1/training/jobs/{training_job_id}/reports/{report_id}/{form}
            GET /api/v1/backup/download/{backup_name}
            GET /api/v1/export/download/{export_name}
            GET /models/training/{uid}/losses.{form}
            GET /batches/{batch_id}/cohort.{form}
            GET /api/runs/{run_id}/download/csv
            GET /api/runs/{run_id}/download/json
            GET /api/runs/{run_id}/download/summary
            GET /api/v1/xray/runs/{run_id}/report.{form}
            GET /xrays/runs/{run_id}/curves/{key}.{form}
            GET /xrays/runs/{run_id}/images/{digest}
            GET /xrays/runs/{run_id}/rejections.{form}
            GET /xrays/runs/{run_id}/results/{name}.{form}
            GET /xrays/sources/{uid}/images/{number}
            """,
        "Events for as long as a job runs.": """
            GET /api/v1/jobs/{job_id}/events
            GET /api/training/stream/{experiment_id}
            """,
        "Fixed words, whatever is stored.": """
            GET /health
            GET /auth/login
            GET /auth/status
            GET /docs
            GET /guide
            GET /guide/{name}
            GET /api/v1/openapi.json
            GET /api/v1/demo/
            GET /api/v1/demo/disclaimer
            GET /api/v1/demo/technical-links
            GET /demo/
            GET /demo/disclaimer
            GET /demo/technical-links
            """,
        "The same answer as another address that is asked.": """
            GET /demo/samples
            GET /demo/statistics
            GET /demo/project-info
            GET /jobs/part
            """,
    }.items()
    for route in map(str.strip, routes.strip().splitlines())
}
"""Routes that are not asked, each with the reason."""
