"""The navigation: what stands in it, folded how, and where somebody is."""

from deepmed.kit.http.caller import Role
from deepmed.web.shell import Entry, menu_of

ENTRIES = [
    Entry("Dashboard", "/"),
    Entry("Trainings", "/trainings", "Research"),
    Entry("Jobs", "/jobs"),
    Entry("Encoders", "/encoders", "Research"),
    Entry("Backups", "/backups", "Administration", Role.ADMINISTRATOR),
]


def test_what_all_need_daily_stands_before_the_folded_groups() -> None:
    menu = menu_of(ENTRIES, "/")
    assert [each.name for each in menu.daily] == ["Dashboard", "Jobs"]
    assert {name: [each.name for each in group] for name, group in menu.groups.items()} == {
        "Research": ["Trainings", "Encoders"],
        "Administration": ["Backups"],
    }


def test_a_page_below_an_entry_belongs_to_it_and_the_root_holds_only_itself() -> None:
    assert menu_of(ENTRIES, "/").here == "/"
    assert menu_of(ENTRIES, "/backups/one/restore").here == "/backups"
    assert menu_of(ENTRIES, "/backupsandmore").here is None
