import numpy as np
import pytest

from deepmed.features.xray.source.attributes import known_attributes
from deepmed.learning.evaluation import EvaluationError
from deepmed.learning.evaluation.binary import age_band, evaluate_binary, subgroup_table

from .conftest import Study, make_study


@pytest.mark.req("X-15.3")
def test_a_subgroup_has_the_figures_of_its_own_images() -> None:
    study = make_study(90)
    sex = np.where(study.patients % 3 == 0, "M", "F")
    rows = subgroup_table(
        study.labels, study.probabilities, study.patients, 0.5, {"sex": sex.tolist()},
        resamples=50, prevalence=0.2,
    )  # fmt: skip
    assert [row.value for row in rows] == ["F", "M"]
    own = sex == "F"
    alone = evaluate_binary(
        study.labels[own], study.probabilities[own], study.patients[own], 0.5,
        resamples=50, prevalence=0.2,
    )  # fmt: skip
    assert rows[0].figures == alone.figures
    assert rows[0].n_items == own.sum()
    assert rows[0].to_dict()["figures"]["auroc"]["estimate"] == alone["auroc"].estimate


@pytest.mark.req("X-15.3")
def test_a_small_subgroup_has_counts_and_a_reason(study: Study) -> None:
    view = np.where(study.patients < 9, "AP", "PA")
    small, large = subgroup_table(
        study.labels, study.probabilities, study.patients, 0.5, {"view": view.tolist()},
        resamples=20,
    )  # fmt: skip
    assert not small.figures
    assert "10 of each are needed" in str(small.reason)
    assert small.n_patients == 9
    assert large.figures["auroc"].estimate is not None
    assert large.reason is None


def test_ages_are_put_into_bands_and_what_is_missing_is_named(study: Study) -> None:
    ages = ["070Y" if one % 2 else "" for one in study.patients]
    values = {row.value for row in subgroup_table(
        study.labels, study.probabilities, study.patients, 0.5, {"age": ages}, resamples=20
    )}  # fmt: skip
    assert values == {"65+", "not given"}
    assert [age_band(one) for one in (0, 17, 18, 39.9, 40, 64, 65, None, "90W")] == [
        "0-17", "0-17", "18-39", "18-39", "40-64", "40-64", "65+", "not given", "0-17",
    ]  # fmt: skip


@pytest.mark.req("X-15.3")
@pytest.mark.parametrize("written", ["93", "095Y", "90", "101Y"])
def test_the_oldest_are_among_the_old_as_their_age_is_kept(written: str) -> None:
    """What is stored of somebody of 90 or more names no year, and is an age all the same."""
    kept = known_attributes({"age": written})["age"]
    assert kept == "90+"
    assert age_band(kept) == "65+"


def test_names_of_persons_make_no_subgroups(study: Study) -> None:
    names = [str(one) for one in study.patients]
    assert not subgroup_table(
        study.labels, study.probabilities, study.patients, 0.5, {"name": names}
    )
    with pytest.raises(EvaluationError, match="1 values of sex"):
        subgroup_table(study.labels, study.probabilities, study.patients, 0.5, {"sex": ["F"]})
