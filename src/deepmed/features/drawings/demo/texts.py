"""What the demo says of this product; each sentence is true of the installation that says it."""

from deepmed.features.drawings.schemas.demo import (
    Approach,
    CurrentStatus,
    Disclaimer,
    Link,
    ProjectInfo,
    Styling,
    TechnicalLinks,
)

TITLE = "DeepMed: children's drawings"

DISCLAIMER = Disclaimer(
    title="A prompt to look, never a finding",
    primary_warning=(
        "DeepMed says how unusual a drawing is among drawings of the same age group. It says "
        "nothing about a child: not about health, ability, feelings or life at home."
    ),
    detailed_disclaimer=[
        "A flag means: this drawing is more unusual than most drawings it was compared with. Of "
        "typical drawings, too, some are flagged; how many stands beside every flag.",
        "Drawings are unusual for many reasons: another task, another tool, a poor photograph, a "
        "wrong age, a good idea.",
        "What is typical was learned from the drawings in this data folder alone. Other children "
        "may draw otherwise.",
        "It is no medical device, and no decision about a child may rest on it.",
    ],
    recommendations=[
        "Look at the drawing itself, and at other drawings of the same child.",
        "Check the age, the task and whether the picture shows the whole page.",
        "Ask the child about the drawing; ask people who know the child.",
    ],
    styling=Styling(
        background_color="#fff6db",
        border_color="#8a6100",
        text_color="#25303b",
        prominence="high",
    ),
)

LINKS = TechnicalLinks(
    github=Link(
        url=None,
        title="Source",
        description="The source lies where this installation came from; it is not served.",
    ),
    documentation=Link(
        url="/docs",
        title="Interface for programs",
        description="Every address of this server with its fields, to be tried from the page.",
    ),
    research=Link(
        url="/thresholds",
        title="How drawings are flagged",
        description="The percentile in force, what it comes to, and what another one would do.",
    ),
    technical_paper=Link(
        url=None,
        title="How each number is made",
        description="docs/numbers.md and docs/decisions of the source; there is no paper.",
    ),
    status=Link(url="/status", title="Status", description="How this server is, part by part."),
)


def project(drawings: int, models: int, analyses: int, encoder: str) -> ProjectInfo:
    """What the product is, and what this data folder holds of it.

    Args:
        drawings: of the owner.
        models: of age groups, in use.
        analyses: that are stored.
        encoder: the one in use, by name.
    """
    return ProjectInfo(
        title=TITLE,
        subtitle="How unusual is a drawing among drawings of its age?",
        overview=(
            "A drawing and the child's age go in; out comes how unusual the drawing is among "
            "drawings of that age, where on the page, and beside which typical drawings. "
            "Everything runs on this machine."
        ),
        key_features=[
            "Models of age groups, learned from your own drawings",
            "A rank with a stated rate of false alarms, tested by child and not by drawing",
            "Maps that explain the score itself, with a measure of how far to trust them",
            "The most similar typical drawings beside each answer",
            "Batches, reports, exports and annotations",
        ],
        technical_approach=Approach(
            feature_extraction=f"The encoder {encoder} turns a picture into a vector.",
            anomaly_detection=(
                "An autoencoder, or a simpler detector where that is as good, scores the vector."
            ),
            interpretability=(
                "Parts of the picture are covered one after another, and the score is computed "
                "again."
            ),
            threshold_management=(
                "Split conformal calibration by child; the percentile can be changed without "
                "training again."
            ),
        ),
        applications=[
            "Screening a collection for drawings that a person should look at first",
            "Finding drawings with a wrong age, a wrong task or a poor scan",
            "Research on how drawings change with age",
        ],
        current_status=CurrentStatus(
            training_data=f"{drawings} drawings in this data folder",
            models=f"{models} models of age groups in use",
            features=f"{analyses} analyses stored",
        ),
    )
