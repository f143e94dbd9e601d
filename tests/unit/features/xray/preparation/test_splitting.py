"""Splits that nothing crosses, whatever the images are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from deepmed.features.xray.errors import LeakageError, SourceRefusedError
from deepmed.features.xray.preparation import (
    LeakageAudit,
    Lookalike,
    SplitPlan,
    audit_published,
    split_by_patient,
)
from deepmed.features.xray.preparation.audit import find_crossings, refuse_crossings
from deepmed.kit.errors import ValidationError
from deepmed.learning.imaging.rows import ImageRow

repeatable = settings(
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.filter_too_much],
)


def row(name: str, patient: str, label: int, digest: str | None = None) -> ImageRow:
    return ImageRow(name, Path(f"{name}.png"), patient, label, digest or f"pixels of {name}")


def rows_of(patients: int, images: int = 1) -> list[ImageRow]:
    return [
        row(f"p{at}-{image}", f"p{at}", at % 2) for at in range(patients) for image in range(images)
    ]


def parts_of(plan: SplitPlan) -> dict[str, str]:
    return {one.image_id: part for part, rows in plan.parts.items() for one in rows}


@st.composite
def any_rows(draw: st.DrawFn) -> list[ImageRow]:
    """Images of few patients and fewer distinct pixels; equal pixels have equal labels."""
    count = draw(st.integers(12, 40))
    patients = draw(st.lists(st.integers(0, 25), min_size=count, max_size=count))
    pixels = draw(st.lists(st.integers(0, 60), min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(0, 1), min_size=61, max_size=61))
    return [
        row(f"i{at}", f"p{patient}", labels[digest], f"d{digest}")
        for at, (patient, digest) in enumerate(zip(patients, pixels, strict=True))
    ]


@st.composite
def any_pairs(draw: st.DrawFn) -> list[Lookalike]:
    names = st.integers(0, 39).map(lambda at: f"i{at}")
    verdicts = st.sampled_from([None, True, False])
    pair = st.builds(Lookalike, names, names, st.floats(0.97, 1), verdicts)
    return [each for each in draw(st.lists(pair, max_size=4)) if each.first < each.second]


def crossing(parts: dict[str, str], rows: Sequence[ImageRow], key: str) -> list[str]:
    """Counted here in the plainest way there is."""
    values = {getattr(one, key) for one in rows}
    return [
        value
        for value in values
        if len({parts[one.image_id] for one in rows if getattr(one, key) == value}) > 1
    ]


@pytest.mark.req("X-2.1")
@given(any_rows(), any_pairs(), st.integers(0, 5))
@repeatable
def test_no_patient_no_pixels_and_no_bound_pair_ever_cross(
    rows: list[ImageRow], pairs: list[Lookalike], seed: int
) -> None:
    try:
        plan = split_by_patient(rows, seed=seed, lookalikes=pairs)
    except SourceRefusedError:
        assume(False)  # too few patients of a class
        raise
    parts = parts_of(plan)
    assert sorted(parts) == sorted(one.image_id for one in rows)
    assert not crossing(parts, rows, "patient")
    assert not crossing(parts, rows, "digest")
    there = set(parts)
    for pair in pairs:
        if pair.binds and {pair.first, pair.second} <= there:
            assert parts[pair.first] == parts[pair.second]
    for rows_of_part in plan.parts.values():
        assert {one.label for one in rows_of_part} == {one.label for one in rows}


@pytest.mark.req("X-2.1")
@given(any_rows(), st.lists(st.integers(0, 2), min_size=40, max_size=40), any_pairs())
@repeatable
def test_of_a_published_split_training_alone_loses_what_crosses(
    rows: list[ImageRow], places: list[int], pairs: list[Lookalike]
) -> None:
    published: list[list[ImageRow]] = [[], [], []]
    for one, place in zip(rows, places, strict=False):
        published[place].append(one)
    train, validation, test = published
    assume(validation)
    try:
        plan = audit_published(train, validation, test, pairs)
    except SourceRefusedError:
        assume(False)  # nothing of a class is left
        raise
    by_name = {one.image_id: one for one in rows}
    names = {one.image_id for one in plan.train}
    validating = [one.image_id for one in plan.validation]
    kept = [by_name[name] for name in names]
    outside = [*map(by_name.__getitem__, validating), *test]
    assert not {one.patient for one in kept} & {one.patient for one in outside}
    assert not {one.digest for one in kept} & {one.digest for one in outside}
    beyond = {one.image_id for one in outside}
    bound = [{pair.first, pair.second} for pair in pairs if pair.binds]
    assert not [pair for pair in bound if pair & names and pair & beyond]
    assert [one.image_id for one in plan.test] == [one.image_id for one in test]
    dropped = {one.image for one in plan.audit.dropped}
    if validating == [one.image_id for one in validation]:
        assert dropped | names == {one.image_id for one in train}
    else:
        assert "It was joined to training" in plan.audit.notes[0]
        assert dropped | names | {*validating} == {one.image_id for one in (*train, *validation)}
    assert not dropped & names


# Shares


@pytest.mark.req("X-2.1")
def test_shares_are_met_and_each_class_has_its_own() -> None:
    plan = split_by_patient(rows_of(200), seed=3)
    counts = {part: Counter(one.label for one in rows) for part, rows in plan.parts.items()}
    assert counts == {
        "train": {0: 70, 1: 70},
        "validation": {0: 15, 1: 15},
        "test": {0: 15, 1: 15},
    }


def test_patients_of_many_images_keep_the_shares_near() -> None:
    rows = [
        row(f"p{at}-{image}", f"p{at}", at % 3 == 0)
        for at in range(90)
        for image in range(1 + at % 7)
    ]
    plan = split_by_patient(rows, seed=1)
    for part, share in zip(plan.parts.values(), (0.7, 0.15, 0.15), strict=True):
        assert abs(len(part) / len(rows) - share) < 0.03
        assert abs(sum(one.label for one in part) / len(part) - 1 / 3) < 0.1


def test_three_patients_a_class_are_one_in_each_part() -> None:
    plan = split_by_patient(rows_of(6))
    assert [len(part) for part in plan.parts.values()] == [2, 2, 2]


def test_a_part_of_no_share_stays_empty() -> None:
    plan = split_by_patient(rows_of(40), (0.8, 0.2, 0))
    assert [len(part) for part in plan.parts.values()] == [32, 8, 0]


# Seeds


@pytest.mark.req("X-2.1")
def test_the_same_seed_splits_the_same_way_and_another_does_not() -> None:
    rows = rows_of(60, 2)
    assert split_by_patient(rows, seed=5).digest == split_by_patient(rows, seed=5).digest
    assert split_by_patient(rows, seed=5).digest != split_by_patient(rows, seed=6).digest


def test_neither_the_order_nor_what_patients_are_called_changes_the_split() -> None:
    rows = rows_of(60, 2)
    renamed = [replace(one, patient=one.patient[::-1]) for one in reversed(rows)]
    assert split_by_patient(rows).digest == split_by_patient(renamed).digest


# What binds


@pytest.mark.req("X-2.1")
def test_equal_images_bind_their_patients_who_are_one_from_then_on() -> None:
    rows = [*rows_of(40), row("same-a", "p0", 0, "same"), row("same-b", "p2", 0, "same")]
    plan = split_by_patient(rows)
    parts = parts_of(plan)
    assert len({parts[name] for name in ("p0-0", "p2-0", "same-a", "same-b")}) == 1
    assert plan.audit.bound == (("p0", "p2"),)
    assert plan.audit.duplicates == (("same-a", "same-b"),)
    everybody = {one.image_id: one.patient for part in plan.parts.values() for one in part}
    assert everybody["p2-0"] == everybody["p0-0"] == "p0"


@pytest.mark.req("X-2.2")
@pytest.mark.parametrize(
    ("correlation", "confirmed", "binds"),
    [
        (0.9951, None, True),
        (0.995, None, False),
        (0.98, None, False),
        (0.98, True, True),
        (0.9999, False, True),
        (0.98, False, False),
    ],
)
def test_a_lookalike_binds_when_confirmed_or_nearly_equal(
    *, correlation: float, confirmed: bool | None, binds: bool
) -> None:
    rows = rows_of(40)
    pair = Lookalike("p0-0", "p2-0", correlation, confirmed)
    plan = split_by_patient(rows, lookalikes=[pair])
    assert plan.audit.bound == ((("p0", "p2"),) if binds else ())
    assert plan.audit.lookalikes == (pair,)


# What is refused


@pytest.mark.req("X-2.1")
def test_equal_images_with_different_labels_are_refused_with_both_names() -> None:
    rows = [*rows_of(20), row("a", "x", 0, "same"), row("b", "y", 1, "same")]
    with pytest.raises(SourceRefusedError, match="b: it is the same image as a, with another"):
        split_by_patient(rows)


def test_a_class_that_cannot_be_in_each_part_is_refused() -> None:
    rows = [*(row(f"a{at}", f"a{at}", 0) for at in range(20)), row("b", "b", 1), row("c", "c", 1)]
    with pytest.raises(SourceRefusedError, match="class 1 has no image in"):
        split_by_patient(rows)


@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.2), (0, 0.5, 0.5), (1.2, -0.1, -0.1), (1,)])
def test_shares_that_cannot_be_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="shares"):
        split_by_patient(rows_of(20), fractions)


def test_one_name_for_two_images_is_refused() -> None:
    with pytest.raises(ValidationError, match="same name"):
        split_by_patient([row("a", "x", 0), row("a", "y", 1)])


@pytest.mark.req("X-2.1")
@pytest.mark.parametrize("kind", ["patient", "image", "lookalike"])
def test_the_audit_sees_what_crosses_and_the_run_fails(kind: str) -> None:
    train = [row("a", "p", 0, "x")]
    test = [row("b", "p" if kind == "patient" else "q", 0, "x" if kind == "image" else "y")]
    pairs = [Lookalike("a", "b", 0.999)] if kind == "lookalike" else []
    found = find_crossings({"train": train, "validation": [], "test": test}, pairs)
    assert [(one.kind, one.parts, one.images) for one in found] == [
        (kind, ("train", "test"), ("a", "b"))
    ]
    with pytest.raises(LeakageError, match=rf"{kind} in train and test \(a, b\)"):
        refuse_crossings(found)


@pytest.mark.req("X-2.1")
def test_a_split_of_ours_that_leaked_would_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        one for at in range(40) for one in (row(f"{at}a", f"{at}", 0), row(f"{at}b", f"{at}", 1))
    ]
    monkeypatch.setattr(
        "deepmed.features.xray.preparation.splitting._Bonds.of", lambda _, one: one.image_id
    )
    with pytest.raises(LeakageError):
        split_by_patient(rows)


# Published splits


def published() -> tuple[list[ImageRow], list[ImageRow], list[ImageRow]]:
    named = [[row(f"{part}{at}", f"{part}{at}", at % 2) for at in range(8)] for part in "tvx"]
    return named[0], named[1], named[2]


@pytest.mark.req("X-2.1")
def test_a_training_image_that_crosses_is_dropped_and_named_with_the_reason() -> None:
    train, validation, test = published()
    train += [row("copy", "new", 1, test[1].digest), row("kin", "v0", 0), row("far", "new", 0)]
    plan = audit_published(train, validation, test)
    assert [(one.image, one.reason) for one in plan.audit.dropped] == [
        ("copy", "the same image as x1 in test"),
        ("kin", "the patient of v0 in validation"),
        ("far", "bound to x1 in test by an equal or confirmed image"),
    ]
    assert len(plan.train) == 8
    assert plan.audit.published
    assert plan.audit.crossing == ()


@pytest.mark.req("X-2.1")
def test_what_crosses_between_validation_and_test_is_told_and_left() -> None:
    train, validation, test = published()
    validation.append(row("again", "x3", 1))
    plan = audit_published(train, validation, test)
    assert len(plan.validation) == 9
    assert [(one.kind, one.images) for one in plan.audit.crossing] == [("patient", ("again", "x3"))]


def test_without_a_published_validation_part_it_is_taken_from_training_by_patient() -> None:
    train = rows_of(40, 2)
    _, _, test = published()
    plan = audit_published(train, [], test, validation_fraction=0.2)
    assert (len(plan.train), len(plan.validation), len(plan.test)) == (64, 16, 8)
    assert not {one.patient for one in plan.train} & {one.patient for one in plan.validation}


def test_a_class_that_is_gone_from_training_is_refused() -> None:
    train, validation, test = published()
    train = [replace(one, patient="x1") if one.label else one for one in train]
    with pytest.raises(SourceRefusedError, match="class 1 has no image in train"):
        audit_published(train, validation, test)


def test_a_published_validation_of_a_few_images_is_carved_anew_by_patient() -> None:
    _, validation, test = published()
    plan = audit_published(rows_of(400, 2), validation, test, validation_fraction=0.2)
    assert [len(rows) for rows in plan.parts.values()] == [646, 162, 8]
    assert not {one.patient for one in plan.train} & {one.patient for one in plan.validation}
    (told,) = plan.audit.notes
    assert "has 8 images, and of one class 4 patients or images alone; 30 are wanted" in told
    assert "The test part stays as it was published." in told
    assert LeakageAudit.from_json(plan.audit.as_json()) == plan.audit


def test_a_small_validation_that_cannot_be_larger_is_kept_and_told() -> None:
    plan = audit_published(*published())
    assert [one.image_id for one in plan.validation] == [f"v{at}" for at in range(8)]
    assert "too few images for a larger one, so it was kept" in plan.audit.notes[0]
    enough = [row(f"v{at}", f"v{at}", at % 2) for at in range(60)]
    assert audit_published(rows_of(40), enough, published()[2]).audit.notes == ()


@pytest.mark.req("X-2.1")
def test_equal_images_with_different_labels_are_refused_in_a_published_split_too() -> None:
    train, validation, test = published()
    train.append(row("other", "new", 1 - test[0].label, test[0].digest))
    with pytest.raises(SourceRefusedError, match="another label"):
        audit_published(train, validation, test)


def test_images_that_are_bound_have_the_name_of_the_patient_who_is_known() -> None:
    rows = [
        replace(one, patient=f"{'i' if at else 'p'}-{at}") for at, one in enumerate(rows_of(20))
    ]
    plan = split_by_patient(rows, lookalikes=[Lookalike("p0-0", "p2-0", 0.98, confirmed=True)])
    names = {one.image_id: one.patient for part in plan.parts.values() for one in part}
    assert names["p2-0"] == names["p0-0"] == "p-0"
