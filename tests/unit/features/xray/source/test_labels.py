"""Several rows on one image."""

import pytest

from deepmed.features.xray.errors import SourceRefusedError
from deepmed.features.xray.source.label_rows import read_labels
from deepmed.features.xray.source.labels import LabelledImage, merge_rows

BOXES = "patientId,x,y,width,height,Target\n"


def merged(text: str) -> list[LabelledImage]:
    return merge_rows(read_labels(text.encode(), "labels.csv"))


@pytest.mark.req("X-2.1")
def test_boxes_of_one_image_are_one_entry_and_a_positive_box_makes_it_positive() -> None:
    found = merged(BOXES + "a,1,2,3,4,1\na,5,2,3,4,1\nb,,,,,0\nc,1,1,1,1,0\nc,2,1,1,1,1\n")
    assert [(one.name, one.label, one.rows) for one in found] == [
        ("a", 1, (2, 3)),
        ("b", 0, (4,)),
        ("c", 1, (5, 6)),
    ]


@pytest.mark.req("X-2.1")
@pytest.mark.parametrize(
    "text",
    [
        "patientId,Target\na,0\na,1\n",
        BOXES + "a,,,,,0\na,1,2,3,4,1\n",
        BOXES + "a,1,2,3,4,0\na,1,2,3,4,1\n",
        BOXES + "a,nan,nan,nan,nan,0\na,1,2,3,4,1\n",
    ],
    ids=["no boxes", "a row without box", "the same box", "a box of nothing"],
)
def test_conflicting_labels_are_refused_with_the_rows(text: str) -> None:
    with pytest.raises(SourceRefusedError, match=r"'Target'.*conflicting labels \(rows 2, 3\)"):
        merged(text)


def test_an_image_of_two_patients_is_refused() -> None:
    with pytest.raises(SourceRefusedError, match=r"belongs to 2 patients"):
        merged("patientId,filename,Target\na,x.png,0\nb,x.png,0\n")


def test_an_image_in_two_parts_and_a_part_of_no_known_name_are_refused() -> None:
    with pytest.raises(SourceRefusedError, match="several parts"):
        merged("patientId,split,Target\na,train,0\na,test,0\n")
    with pytest.raises(SourceRefusedError, match="'extra' is none of"):
        merged("patientId,split,Target\na,extra,0\n")


def test_rows_that_agree_are_one_entry() -> None:
    (one,) = merged("patientId,Target,sex\na,1,\na,1.0,F\n")
    assert (one.label, one.attributes) == (1, {"sex": "F"})
