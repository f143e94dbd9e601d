from pathlib import Path

import pytest

from deepmed.kit import settings as module
from deepmed.kit.errors import ConfigurationError
from deepmed.kit.settings import Settings, current, load, settings_file, unknown_variables


@pytest.fixture(autouse=True)
def _clean(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        if name != "home":
            monkeypatch.delenv(f"DEEPMED_{name.upper()}", raising=False)


def write(home: Path, text: str) -> Path:
    path = home / "deepmed.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.req("P-2.1")
def test_arguments_win_over_environment_over_file_over_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().seed == 0
    write(home, 'seed = 1\nencoder = "from-file"\nthreads = 4\n')
    monkeypatch.setenv("DEEPMED_SEED", "2")
    monkeypatch.setenv("DEEPMED_ENCODER", "from-environment")
    found = load(seed=3)
    assert (found.seed, found.encoder, found.threads) == (3, "from-environment", 4)


@pytest.mark.req("P-2.1")
@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_value_is_reached_by_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        bool: "true",
        int: "7",
        float: "90.5",
    }
    special = {"device": "cpu", "log_level": "debug", "home": "/somewhere"}
    special |= {
        "sagemaker_bucket": "some-bucket",
        "sagemaker_role_arn": "arn:aws:iam::123456789012:role/somebody",
    }
    text = (special | {"limits": "on", "rate_limits": "/ 1/2/3, /a 4/5/6"}).get(name)
    kind = Settings.model_fields[name].annotation
    text = text or (values.get(kind, "/somewhere") if isinstance(kind, type) else "/somewhere")
    monkeypatch.setenv(f"DEEPMED_{name.upper()}", str(text))
    found = getattr(load(), name)
    found = found.get_secret_value() if hasattr(found, "get_secret_value") else found
    assert str(found).lower() == text


@pytest.mark.req("P-2.1")
@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DEEPMED_SEED", "many", ["DEEPMED_SEED", "integer"]),
        ("DEEPMED_SEED", "-1", ["DEEPMED_SEED", "greater than or equal to 0"]),
        ("DEEPMED_RATE_LIMITS", "/a 1/2/3, ", ["DEEPMED_RATE_LIMITS", "pattern"]),
        ("DEEPMED_DEVICE", "gpu", ["DEEPMED_DEVICE", "auto|cpu|cuda|mps"]),
        ("DEEPMED_THRESHOLD_PERCENTILE", "100", ["DEEPMED_THRESHOLD_PERCENTILE", "99.9"]),
        ("DEEPMED_THRESHOLD_PERCENTILE", "nan", ["DEEPMED_THRESHOLD_PERCENTILE"]),
        ("DEEPMED_MAX_PIXELS", "0", ["DEEPMED_MAX_PIXELS", "greater than 0"]),
        ("DEEPMED_LOG_LEVEL", "loud", ["DEEPMED_LOG_LEVEL", "debug|info|warning|error"]),
        ("DEEPMED_HOME", "/a?b", ["DEEPMED_HOME", "question mark"]),
    ],
)
def test_a_wrong_value_fails_with_the_name_and_the_fix(
    variable: str, value: str, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load()
    for word in [*words, "nothing was started", "Set the variable", "deepmed.toml"]:
        assert word in caught.value.message


@pytest.mark.req("P-2.1")
def test_all_wrong_values_are_told_at_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, 'seed = "x"\n')
    monkeypatch.setenv("DEEPMED_DEVICE", "gpu")
    with pytest.raises(ConfigurationError, match=r"DEVICE.*SEED|SEED.*DEVICE"):
        load()


@pytest.mark.req("P-2.1")
def test_an_unknown_line_in_the_file_is_named_with_the_likeliest_meant(home: Path) -> None:
    path = write(home, 'datbase_url = "sqlite://"\n')
    with pytest.raises(ConfigurationError, match=r"'datbase_url'.*did you mean 'database_url'"):
        load()
    path.write_text("zzz = 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"'zzz'.*remove it"):
        load()


@pytest.mark.req("P-2.1")
def test_an_unknown_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_DATABSE_URL", "sqlite://")
    monkeypatch.setenv("DEEPMED_ZZZ", "1")
    assert unknown_variables() == {
        "DEEPMED_DATABSE_URL": "DEEPMED_DATABASE_URL",
        "DEEPMED_ZZZ": None,
    }


@pytest.mark.parametrize("content", [b"seed = ", b"\xff\xfe", b"seed = 1\nseed = 2\n"])
def test_a_file_that_is_not_toml_is_told(home: Path, content: bytes) -> None:
    (home / "deepmed.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"deepmed\.toml is not valid TOML"):
        load()


def test_a_file_that_was_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.toml"
    monkeypatch.setenv("DEEPMED_SETTINGS", str(path))
    with pytest.raises(ConfigurationError, match="No such file"):
        load()
    path.write_text("seed = 5\n", encoding="utf-8")
    assert load().seed == 5
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_STORAGE_URL", "")
    monkeypatch.setenv("DEEPMED_HOME", "")
    found = load()
    assert found.storage_url is None
    assert found.home == module.default_home().absolute()


def test_two_homes_share_nothing(home: Path, tmp_path: Path) -> None:
    other = load(home=tmp_path / "other")
    here = load()
    assert here.resolved_database_url == f"sqlite:///{home}/deepmed.db"
    assert here.resolved_storage_url == (home / "files").as_uri()
    assert str(tmp_path / "other") in other.resolved_database_url
    assert str(tmp_path / "other") in other.resolved_storage_url
    (tmp_path / "other").mkdir()
    write(tmp_path / "other", "seed = 9\n")
    assert load(home=tmp_path / "other").seed == 9
    assert load().seed == 0


def test_a_home_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_HOME", "data")
    assert load().home == Path.cwd() / "data"
    monkeypatch.setenv("DEEPMED_HOME", "~/data")
    assert load().home == Path.home() / "data"
    assert settings_file() == Path.home() / "data" / "deepmed.toml"


def test_named_places_win_over_the_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEEPMED_DATABASE_URL", "postgresql://ann:hunter2@db/deepmed")
    monkeypatch.setenv("DEEPMED_STORAGE_URL", "s3://bucket/folder")
    found = load()
    assert found.resolved_database_url == "postgresql://ann:hunter2@db/deepmed"
    assert found.resolved_storage_url == "s3://bucket/folder"
    assert "hunter2" not in repr(found)


def test_a_wrong_secret_is_not_repeated(home: Path) -> None:
    write(home, "secret_key = 12345678\ndatabase_url = [1]\n")
    with pytest.raises(ConfigurationError) as caught:
        load()
    assert "DEEPMED_SECRET_KEY" in caught.value.message
    assert "12345678" not in caught.value.message


def test_a_process_reads_its_settings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = current()
    monkeypatch.setenv("DEEPMED_SEED", "3")
    assert current() is first
    with pytest.raises(ValueError, match="frozen"):
        first.seed = 4  # type: ignore[misc]  # what must fail
