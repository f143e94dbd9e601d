import pytest

from requirement_marks import MarkError, Proof, marks_of_source


def sentences(source: str) -> list[tuple[str, str]]:
    return sorted((one.sentence, one.test) for one in marks_of_source(source, "tests/test_x.py"))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('@pytest.mark.req("D-9.2")\ndef test_a(): ...', [("D-9.2", "test_a")]),
        (
            '@pytest.mark.req("D-9.2", "D-9.3")\nasync def test_a(): ...',
            [("D-9.2", "test_a"), ("D-9.3", "test_a")],
        ),
        (
            '@pytest.mark.req("D-1.1")\n@pytest.mark.req("D-1.2")\ndef test_a(): ...',
            [("D-1.1", "test_a"), ("D-1.2", "test_a")],
        ),
        (
            '@pytest.mark.req("D-1.1")\nclass TestIt:\n    def test_a(self): ...',
            [("D-1.1", "TestIt")],
        ),
        (
            'class TestIt:\n    @pytest.mark.req("D-1.1")\n    def test_a(self): ...',
            [("D-1.1", "TestIt::test_a")],
        ),
        ('class TestIt:\n    pytestmark = pytest.mark.req("D-1.1")\n', [("D-1.1", "TestIt")]),
        ('pytestmark = pytest.mark.req("D-1.1")', [("D-1.1", "test_x.py")]),
        ('pytestmark = [pytest.mark.slow, pytest.mark.req("D-1.1")]', [("D-1.1", "test_x.py")]),
        (
            '@cases(pytest.param(1, marks=pytest.mark.req("D-1.3")))\ndef test_a(n): ...',
            [("D-1.3", "test_a")],
        ),
        ('CASES = [pytest.param(1, marks=[pytest.mark.req("D-1.3")])]', [("D-1.3", "test_x.py")]),
        ('TEXT = "@pytest.mark.req(\'D-1.1\')"\n# pytest.mark.req("D-1.2")', []),
    ],
)
def test_marks_are_found_wherever_pytest_takes_them(
    source: str, expected: list[tuple[str, str]]
) -> None:
    assert sentences(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("@pytest.mark.req(NAME)\ndef test_a(): ...", "plain strings"),
        ("@pytest.mark.req()\ndef test_a(): ...", "names no sentence"),
        ('@pytest.mark.req("D-1.1")\ndef helper(): ...', "does not collect"),
        ('@pytest.mark.req("D-1.1")\nclass Helper: ...', "does not collect"),
        ('@pytest.mark.xfail\n@pytest.mark.req("D-1.1")\ndef test_a(): ...', "expected to fail"),
    ],
)
def test_a_mark_that_can_prove_nothing_is_refused(source: str, message: str) -> None:
    with pytest.raises(MarkError, match=rf"tests/test_x\.py:\d+: .*{message}"):
        marks_of_source(source, "tests/test_x.py")


def test_proofs_sort_by_sentence_so_that_the_page_is_stable() -> None:
    later, sooner = Proof("D-9.2", "a", "x"), Proof("D-10.1", "b", "y")
    assert sorted([later, sooner]) == [sooner, later]
