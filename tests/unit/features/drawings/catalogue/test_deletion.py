"""What a deletion would take along is told before, and is what it then takes (U-11)."""

import pytest

from deepmed.features.drawings.catalogue.service import DrawingCatalogue
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.errors import NotFoundError


@pytest.mark.req("U-11.1")
def test_a_preview_tells_what_the_deletion_then_takes(trained: Workbench) -> None:
    catalogue = DrawingCatalogue(trained.database, trained.storage, trained.owner_id)
    told = catalogue.preview_deletion(1)
    assert told == catalogue.preview_deletion(1)
    assert told.models_to_retrain
    assert catalogue.delete_drawing(1) == told
    with pytest.raises(NotFoundError):
        catalogue.preview_deletion(1)
