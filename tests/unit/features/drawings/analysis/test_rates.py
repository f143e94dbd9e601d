"""Whose flags make a rate: typical drawings of new children, with an answer that could flag."""

from dataclasses import dataclass, replace

import pytest

from deepmed.features.drawings.analysis.rates import Use, by_use, use_of


@dataclass(frozen=True)
class Answer:
    drawing_id: int = 1
    decision: str = "ranked"
    role: str | None = "new"


@dataclass(frozen=True)
class Marks:
    expert_label: str | None = None
    withdrawn: bool = False
    duplicate_of: int | None = None


@pytest.mark.req("D-26.4")
@pytest.mark.parametrize(
    ("answer", "marks", "use"),
    [
        (Answer(), Marks(), Use.NEW),
        (Answer(), Marks(expert_label="normal"), Use.NEW),
        (Answer(decision="manual"), Marks(), Use.NEW),
        (Answer(role="calibration"), Marks(), Use.TRAINING),
        (Answer(role="fit"), Marks(), Use.TRAINING),
        (Answer(), Marks(expert_label="concern"), Use.LABELLED),
        (Answer(role="fit"), Marks(expert_label="severe"), Use.LABELLED),
        (Answer(decision="not_supported"), Marks(), None),
        (Answer(decision="not_supported"), Marks(expert_label="concern"), None),
        (Answer(decision="in_sample", role="fit"), Marks(), None),
        (Answer(decision="blank", role=None), Marks(), None),
        (Answer(), Marks(withdrawn=True), None),
        (Answer(), Marks(duplicate_of=7), None),
    ],
)
def test_each_answer_is_counted_for_one_thing_at_most(
    answer: Answer, marks: Marks, use: Use | None
) -> None:
    assert use_of(answer, marks) is use


def test_answers_are_sorted_in_their_order() -> None:
    answers = [replace(Answer(), drawing_id=number) for number in (3, 1, 2, 4)]
    marks = {1: Marks(), 2: Marks(expert_label="concern"), 3: Marks(), 4: Marks(withdrawn=True)}
    found = by_use(answers, marks)
    assert [answer.drawing_id for answer in found[Use.NEW]] == [3, 1]
    assert [answer.drawing_id for answer in found[Use.LABELLED]] == [2]
    assert found[Use.TRAINING] == []
