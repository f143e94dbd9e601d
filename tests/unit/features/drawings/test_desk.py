from deepmed.core.home import Home
from deepmed.features.drawings.desk import Desk
from deepmed.features.drawings.workbench import Workbench
from factories.drawings import add_drawings, sketches


def test_deleting_a_drawing_loads_nothing_only_to_forget_it(bench: Workbench) -> None:
    [drawing] = add_drawings(bench, sketches(1))
    desk = Desk(Home(bench.settings, bench.database, bench.owner_id))
    desk.catalogue.delete_drawing(drawing)
    assert "bench" not in vars(desk)
