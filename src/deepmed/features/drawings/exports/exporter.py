"""The formats behind one door (D-20)."""

import json
from dataclasses import dataclass, field

from deepmed.features.drawings.explanation.service import overlays
from deepmed.features.drawings.exports import page, tabular
from deepmed.features.drawings.exports.content import ExportContent
from deepmed.features.drawings.exports.options import FORMATS
from deepmed.kit.errors import ValidationError
from deepmed.kit.storage import FileStorageService
from deepmed.learning.saliency.maps import SaliencyMap


@dataclass(frozen=True)
class Written:
    """A file's content, and what it could not show."""

    content: bytes
    notes: list[str] = field(default_factory=list)


class VisualizationExporter:
    """Writes one explained analysis in the format that somebody wants."""

    def export(self, content: ExportContent) -> Written:
        """The file in its wanted format.

        Raises:
            ValidationError: there is no such format.
        """
        writers = {
            "pdf": self.export_comprehensive_report,
            "png": self.export_picture,
            "csv": lambda one: Written(tabular.write_csv(one)),
            "json": self.export_interactive_data,
            "html": self.create_interactive_html_report,
            "pptx": self.export_presentation_slides,
        }
        writer = writers.get(content.wanted.format)
        if writer is None:
            raise ValidationError(
                f"There is no format {content.wanted.format[:40]!r}; there are: "
                f"{', '.join(FORMATS)}. Nothing was written."
            )
        return writer(content)

    def export_comprehensive_report(self, content: ExportContent) -> Written:
        """A PDF of all that is known."""
        from deepmed.features.drawings.exports import pdf  # noqa: PLC0415 - reportlab loads late

        return Written(*pdf.write(content))

    def export_picture(self, content: ExportContent) -> Written:
        """A PNG: the drawing beside its map, with the answer above."""
        from deepmed.features.drawings.exports import png  # noqa: PLC0415 - likewise, for its font

        return Written(*png.write(content))

    def export_interactive_data(self, content: ExportContent) -> Written:
        """A JSON object of all that is known."""
        return Written(tabular.write_json(content))

    def export_presentation_slides(self, content: ExportContent) -> Written:
        """Slides for PowerPoint and its like."""
        from deepmed.features.drawings.exports import slides  # noqa: PLC0415 - python-pptx too

        return Written(slides.write(content))

    def create_interactive_html_report(self, content: ExportContent) -> Written:
        """An HTML page that needs nothing else, and no script."""
        return Written(page.write(content))

    def export_visualization_set(
        self, content: ExportContent, storage: FileStorageService
    ) -> dict[str, bytes]:
        """All overlay pictures in full size, and the values they show, by file name."""
        stored = json.loads(storage.get(content.explanation.row.saliency_map_path))
        made = SaliencyMap.from_dict(stored)
        drawn = overlays(content.explanation.image, made)
        files = {f"{kind}.png": picture for kind, picture in drawn.items()}
        return files | {"map.json": json.dumps(stored, indent=1).encode()}
