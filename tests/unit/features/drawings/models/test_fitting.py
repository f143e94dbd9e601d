"""How one group gets its detector, its report and its files, without a look at calibration."""

import json
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from deepmed.core.registry.manifest import Package
from deepmed.core.registry.tables import Artifact
from deepmed.features.drawings.models import repository, selection
from deepmed.features.drawings.models.config import GroupTrainingConfig
from deepmed.features.drawings.models.file_names import ITEMS_FILE
from deepmed.features.drawings.models.fitting import GroupFitter
from deepmed.features.drawings.models.manager import ModelManager
from deepmed.features.drawings.models.planted import LONGEST_SIDE, PlantedDrawings, PlantedMaker
from deepmed.features.drawings.models.ranges import AgeRange
from deepmed.features.drawings.models.selection import Comparison
from deepmed.features.drawings.models.training import GroupTraining, TrainingRun
from deepmed.features.drawings.workbench import Workbench
from deepmed.kit.pictures import encode_png
from deepmed.learning.evaluation.oracle import recompute_auroc
from deepmed.learning.reference import Layout, Rows
from deepmed.learning.reference.evaluation import PlantedRows
from deepmed.learning.reference.files import HEADER
from factories.drawings import Sketch, add_drawings, embed, line_drawing, sketches
from factories.homes import MEASURED, QUICK, alike, train

GROUP = AgeRange(6, 9)


@pytest.fixture
def simple(monkeypatch: pytest.MonkeyPatch) -> GroupTrainingConfig:
    """Detectors compete, without the autoencoder that takes the time."""
    names = ("knn", "mahalanobis", "pca")
    monkeypatch.setattr("deepmed.features.drawings.models.fitting.detector_names", lambda: names)
    return QUICK.model_copy(update={"detector": "auto"})


def package(bench: Workbench, index: int = 0) -> Package:
    with bench.database.read() as session:
        rows = ModelManager(bench).active(session)
        uid = session.get_one(Artifact, rows[index].artifact_id).uid
    return bench.registry.package(uid)


def metrics_of(bench: Workbench, run: TrainingRun, index: int = 0) -> dict[str, Any]:
    with bench.database.read() as session:
        return session.get_one(Artifact, run.models[index].artifact_id).metrics


def filled(bench: Workbench, wanted: list[Sketch]) -> Workbench:
    add_drawings(bench, wanted)
    embed(bench)
    return bench


class TestArtefact:
    @pytest.mark.req("D-8.3")
    def test_it_holds_standardisation_seed_and_architecture_of_model_and_twin(
        self, bench: Workbench
    ) -> None:
        config = QUICK.model_copy(update={"detector": "pca", "seed": 7})
        train(filled(bench, sketches(40)), [GROUP], config)
        files = package(bench).files
        for half in ("model", "twin"):
            record = json.loads(files[f"{half}.detector.json"])
            assert record["detector"] == "pca"
            assert record["parameters"]["seed"] >= 0
            assert record["architecture"]
            assert record["features"] == 65
            arrays = safetensors.numpy.load(files[f"{half}.weights.safetensors"])
            assert arrays["mean"].shape == arrays["scale"].shape == (65,)

    @pytest.mark.req("D-8.3", "V-6.1", "P-13.1")
    def test_it_says_seed_data_code_libraries_threads_and_configuration(
        self, trained: Workbench
    ) -> None:
        manifest = package(trained).manifest
        provenance = manifest.provenance
        assert provenance["seed"] == 0
        assert provenance["data_hash"] == manifest.lineage["recipe"]["data_hash"]
        assert provenance["configuration"] == MEASURED.model_dump(mode="json")
        text = json.dumps(provenance)
        assert all(word in text for word in ("numpy", "torch", "threads", "python"))

    @pytest.mark.req("P-13.1")
    def test_streams_of_the_model_and_its_twin_are_derived_from_the_one_seed(
        self, bench: Workbench
    ) -> None:
        filled(bench, sketches(40))
        config = QUICK.model_copy(update={"detector": "pca"})
        train(bench, [GROUP], config)
        files = package(bench).files
        seeds = [
            json.loads(files[f"{half}.detector.json"])["parameters"]["seed"]
            for half in ("model", "twin")
        ]
        assert len(set(seeds)) == 2

    @pytest.mark.req("P-13.1")
    def test_the_same_seed_and_drawings_give_the_same_files(
        self, bench: Workbench, second_bench: Workbench
    ) -> None:
        for home in (bench, second_bench):
            train(filled(home, [*sketches(24, 4.5), *sketches(24, 7.5)]), [AgeRange(3, 6), GROUP])
        for index in range(2):
            first, again = package(bench, index), package(second_bench, index)
            assert first.files == again.files
            assert _measured(first.manifest.metrics) == _measured(again.manifest.metrics)

    def test_the_card_says_what_it_is_for_and_what_it_cannot_say(self, trained: Workbench) -> None:
        card = package(trained).manifest.card
        assert "no diagnosis" in card["intended_use"]
        assert card["population"] == "drawings of 3 to under 6 years"
        assert 3 <= card["ages_of_drawings"]["least"] < card["ages_of_drawings"]["greatest"] < 6
        assert any("flagged by construction" in limit for limit in card["limits"])

    @pytest.mark.req("V-9.1")
    def test_the_card_of_a_small_group_says_that_it_cannot_flag(self, bench: Workbench) -> None:
        train(filled(bench, sketches(15)), [GROUP])
        assert any("Too few children" in limit for limit in package(bench).manifest.card["limits"])


class TestChoice:
    @pytest.mark.req("D-15.2", "V-1.1")
    def test_only_fitting_children_are_planted_into_and_compared(
        self, bench: Workbench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        filled(bench, [*sketches(40, 4.5), *sketches(40, 7.5)])
        groups = [AgeRange(3, 6), GROUP]
        plan = GroupTraining(bench, QUICK).plan(groups)
        seen: list[Comparison] = []
        choose = selection.compare_layouts
        monkeypatch.setattr(
            "deepmed.features.drawings.models.fitting.compare_layouts",
            lambda comparison, *rest: seen.append(comparison) or choose(comparison, *rest),
        )
        train(bench, groups)
        assert len(seen) == 2
        for group, comparison in zip(groups, seen, strict=True):
            fitting = set(plan.plans[group].model.fit.children.tolist())
            calibrating = set(plan.plans[group].model.calibration.children.tolist())
            compared = set(comparison.rows.children.tolist())
            planted = set(comparison.planted.planted.rows.children.tolist())
            assert planted <= compared <= fitting
            assert planted
            assert not compared & calibrating

    @pytest.mark.req("D-15.2", "V-1.1")
    def test_nothing_about_calibration_drawings_reaches_the_choice_or_the_detector(
        self, bench: Workbench, second_bench: Workbench, simple: GroupTrainingConfig
    ) -> None:
        """Two homes that differ in the calibration children's pictures, and so in nothing else."""
        wanted = [*sketches(40, 4.5), *sketches(40, 7.5)]
        groups, other = [AgeRange(3, 6), GROUP], second_bench
        filled(bench, wanted)
        plan = GroupTraining(bench, simple).plan(groups)
        calibrating = chain.from_iterable(
            plan.plans[group].model.calibration.drawings.tolist() for group in groups
        )
        changed = set(calibrating)
        with_others = [
            replace(one, picture=1000 + place) if place + 1 in changed else one
            for place, one in enumerate(wanted)
        ]
        filled(other, with_others)
        first, second = (train(home, groups, simple) for home in (bench, other))
        for index in range(2):
            left, right = metrics_of(bench, first, index), metrics_of(other, second, index)
            assert left["selection"] == right["selection"]
            assert left["layouts"] == right["layouts"]
            assert left["threshold"] != right["threshold"]
            mine, theirs = package(bench, index).files, package(other, index).files
            detector = [name for name in mine if name.startswith("model.")]
            assert all(mine[name] == theirs[name] for name in detector)

    @pytest.mark.req("D-15.2")
    def test_the_comparison_is_made_in_five_folds(self, trained: Workbench) -> None:
        assert package(trained).manifest.metrics["selection"]["folds"] == 5

    @pytest.mark.req("D-15.2")
    def test_a_detector_that_was_asked_for_by_name_is_taken_whatever_wins(
        self, bench: Workbench
    ) -> None:
        config = QUICK.model_copy(update={"detector": "pca"})
        run = train(filled(bench, sketches(30)), [GROUP], config)
        assert run.models[0].model_type == "pca"
        assert "asked for by name" in metrics_of(bench, run)["selection"]["reason"]

    @pytest.mark.req("D-15.3")
    def test_plain_features_stand_beside_the_detector(self, trained: Workbench) -> None:
        rows = package(trained).manifest.metrics["selection"]["rows"]
        plain = {row["name"]: row for row in rows if row["role"] == "reference"}
        assert set(plain) == {"ink and box", "Sobel energy", "random projection"}
        assert all(0 <= row["overall"]["auroc"] <= 1 for row in plain.values())

    def test_a_group_too_small_to_compare_says_so(
        self, bench: Workbench, simple: GroupTrainingConfig
    ) -> None:
        """Two own fitting drawings: no comparison, the nearest-neighbour detector, in words."""
        filled(bench, [*sketches(22, 4.5), *sketches(40, 7.5)])
        run = train(bench, [AgeRange(3, 6), GROUP], simple)
        chosen = metrics_of(bench, run)["selection"]
        assert chosen["chosen"] == "knn"
        assert chosen["reason"].startswith("Not compared: ")

    def test_donors_of_planted_drawings_have_no_part_in_the_group(self, bench: Workbench) -> None:
        """A child who calibrates one group may fit another; what it drew there is kept out too."""
        shared = [Sketch(age=age, child=f"c{n}") for n in range(40) for age in (4.5, 7.5)]
        filled(bench, [*shared, *sketches(45, 10.5)])
        training = GroupTraining(bench, QUICK)
        groups = [AgeRange(3, 6), GROUP, AgeRange(9, 12)]
        plan = training.plan(groups)
        fitter = GroupFitter(bench, QUICK, plan.eligible, plan.plans, {})
        donors = fitter._around(GROUP).donors["fit"]
        own = plan.plans[GROUP].model
        taking_part = set(own.fit.children.tolist()) | set(own.calibration.children.tolist())
        assert len(donors)
        assert not set(donors.children.tolist()) & taking_part


class TestReport:
    @pytest.mark.req("D-16.3")
    def test_each_layout_is_compared_with_the_vector_alone(self, trained: Workbench) -> None:
        layouts = {row["layout"]: row for row in package(trained).manifest.metrics["layouts"]}
        assert {name: row["dimension"] for name, row in layouts.items()} == {
            "visual": 64,
            "visual+age": 65,
            "visual+subject": 128,
        }
        for row in layouts.values():
            low = row["difference_to_visual"]["low"]
            assert row["beats_visual"] is (low > 0)
        assert layouts["visual"]["difference_to_visual"]["estimate"] == 0

    @pytest.mark.req("D-16.3")
    @pytest.mark.parametrize(("lies", "beats"), [(40, True), (1, False)])
    def test_a_layout_that_helps_beyond_the_interval_beats_the_vector_alone(
        self,
        lies: int,
        beats: bool,  # noqa: FBT001 - a table's column
    ) -> None:
        """The vectors say nothing, and so many planted drawings lie about their subject."""
        random = np.random.default_rng(0)
        rows = Rows(
            np.arange(40),
            np.arange(40),
            np.full(40, 7.0),
            np.zeros(40, np.int64),
            random.normal(size=(40, 3)).astype(np.float32),
        )
        planted = replace(rows, subjects=np.where(np.arange(40) < lies, 9, 0))
        made = PlantedDrawings(PlantedRows(planted, ("lie",) * 40), [], rows)
        comparison = Comparison(rows, made, [])
        layouts = {
            row["layout"]: row for row in selection.compare_layouts(comparison, "knn", QUICK)
        }
        assert layouts["visual+subject"]["difference_to_visual"]["estimate"] > 0
        assert layouts["visual+subject"]["beats_visual"] is beats
        assert layouts["visual+age"]["beats_visual"] is False

    @pytest.mark.req("D-16.3")
    def test_a_model_with_subject_slots_is_offered(self, bench: Workbench) -> None:
        config = QUICK.model_copy(update={"layout": Layout.SUBJECT})
        run = train(filled(bench, sketches(30)), [GROUP], config)
        assert run.models[0].parameters["layout"] == "visual+subject"
        assert json.loads(package(bench).files["model.detector.json"])["features"] == 128

    @pytest.mark.req("D-27.1")
    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_age_specificity_is_the_auroc_over_children_that_were_not_fitted(
        self, trained: Workbench, index: int
    ) -> None:
        found = package(trained, index)
        items = json.loads(found.files[ITEMS_FILE])
        header = json.loads(found.files[HEADER])
        fitted = set(header["fit_children"])
        own = [row["neutral"] for row in header["model"]]
        assert len(own) == sum(item["child"] not in fitted for item in items["own"])
        beside = [item["score"] for item in items["neighbours"] if item["child"] not in fitted]
        figure = found.manifest.metrics["age_specificity"]
        assert figure["estimate"] == pytest.approx(recompute_auroc(own, beside), abs=1e-12)
        assert (figure["n_negative"], figure["n_positive"]) == (len(own), len(beside))
        assert figure["low"] <= figure["estimate"] <= figure["high"]
        assert figure["unit"] == "child"
        assert len(beside) > (40 if index != 1 else 80)

    @pytest.mark.req("D-27.1")
    def test_borrowed_children_are_left_out_of_age_specificity(self, bench: Workbench) -> None:
        filled(bench, [*sketches(22, 4.5), *sketches(40, 7.5)])
        run = train(bench, [AgeRange(3, 6), GROUP])
        with bench.database.read() as session:
            members = repository.members(session, run.models[0].id)
        borrowed = sum(member.part == "borrowed" for member in members)
        figure = metrics_of(bench, run)["age_specificity"]
        assert borrowed == 8
        assert (figure["n_negative"], figure["n_positive"]) == (20, 40 - borrowed)

    @pytest.mark.req("D-27.1")
    def test_a_group_trained_alone_is_compared_with_the_active_groups_beside_it(
        self, bench: Workbench
    ) -> None:
        filled(bench, [*sketches(40, 4.5), *sketches(40, 7.5)])
        alone = metrics_of(bench, train(bench, [AgeRange(3, 6)]))
        beside = metrics_of(bench, train(bench, [GROUP]))
        assert alone["age_specificity"]["estimate"] is None
        assert alone["age_specificity"]["reason"]
        assert beside["age_specificity"]["n_positive"] == 40

    @pytest.mark.req("D-27.2")
    def test_only_an_interval_above_one_half_tells_ages_apart(self, trained: Workbench) -> None:
        for index in range(3):
            metrics = package(trained, index).manifest.metrics
            assert metrics["age_specificity"]["low"] > 0.5
            assert metrics["tells_ages_apart"] is True

    @pytest.mark.req("D-27.2")
    @pytest.mark.parametrize("layout", [Layout.VISUAL, Layout.AGE])
    def test_groups_that_draw_alike_are_not_told_apart(
        self, bench: Workbench, layout: Layout
    ) -> None:
        config = QUICK.model_copy(update={"layout": layout})
        run = train(alike(bench), [AgeRange(3, 6), GROUP], config)
        for index in range(2):
            figure = metrics_of(bench, run, index)
            specific = figure["age_specificity"]
            # Above one half by chance: the interval decides, not the estimate.
            assert specific["low"] <= 0.5 < specific["estimate"]
            assert figure["tells_ages_apart"] is False
            assert run.models[index].parameters["tells_ages_apart"] is False

    @pytest.mark.req("D-8.2")
    def test_contamination_is_reported_at_one_five_and_ten_per_cent(
        self, trained: Workbench
    ) -> None:
        report = package(trained).manifest.metrics["contamination"]
        assert [row["rate"] for row in report] == [0.01, 0.05, 0.10]
        assert [row["replaced_drawings"] for row in report] == [1, 2, 5]
        assert [row["attained_rate"] for row in report] == [1 / 48, 2 / 48, 5 / 48]

    @pytest.mark.req("V-2.1")
    def test_every_figure_has_its_interval_size_unit_and_split(self, trained: Workbench) -> None:
        metrics = package(trained).manifest.metrics
        figures = [
            metrics["age_specificity"],
            metrics["planted"],
            *metrics["power"].values(),
            *(row["difference_to_visual"] for row in metrics["layouts"]),
            *(row["overall"]["interval"] for row in metrics["selection"]["rows"]),
        ]
        assert len(figures) > 15
        for figure in figures:
            assert figure["low"] <= figure["estimate"] <= figure["high"]
            assert figure["sample_size"] > 0
            assert figure["unit"] == "child"
            assert figure["split"]

    @pytest.mark.req("V-5.1")
    def test_a_report_never_stands_without_its_plain_rows(self, trained: Workbench) -> None:
        for index in range(3):
            roles = [
                row["role"] for row in package(trained, index).manifest.metrics["selection"]["rows"]
            ]
            assert roles.count("reference") == 3


class TestPlanting:
    def test_a_photograph_is_reduced_before_anomalies_are_planted(self, bench: Workbench) -> None:
        large = np.kron(line_drawing(0, 7.0), np.ones((20, 25, 1), np.uint8))
        bench.storage.put("drawings/large.png", encode_png(large))
        maker = PlantedMaker(bench.encoding, {1: "drawings/large.png"}, seed=0)
        assert maker.picture(1).shape == (round(LONGEST_SIDE * 1280 / 1600), LONGEST_SIDE, 3)

    def test_a_small_picture_is_taken_as_it_is(self, bench: Workbench) -> None:
        small = line_drawing(0, 7.0)
        bench.storage.put("drawings/small.png", encode_png(small))
        maker = PlantedMaker(bench.encoding, {1: "drawings/small.png"}, seed=0)
        np.testing.assert_array_equal(maker.picture(1), small)

    def test_a_group_into_which_nothing_can_be_planted_is_trained_all_the_same(
        self, bench: Workbench
    ) -> None:
        """Pages with a dot or two are no blank pages, yet there is nothing to alter."""
        ids = add_drawings(bench, sketches(30))
        embed(bench)
        empty = encode_png(np.full((64, 64, 3), 255, dtype=np.uint8))
        for file in {file.key for file in bench.storage.list_files("drawings")}:
            bench.storage.put(file, empty)
        run = train(bench, [GROUP])
        metrics = metrics_of(bench, run)
        assert len(ids) == 30
        assert metrics["supported"]
        assert metrics["planted"]["estimate"] is None
        assert metrics["planted"]["reason"]
        assert metrics["power"] == {}


def _measured(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if name != "seconds"}
