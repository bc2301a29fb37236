"""Settings: the environment over one's own YAML over the shipped one, and errors that name the field."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from configs.settings import DEFAULT_FILE, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """No setting of the machine reaches a test; state would lie in a folder that does not exist."""
    for name in list(os.environ):
        if name.startswith("FOOTBALL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FOOTBALL_HOME", str(tmp_path / "home"))


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """Write one's own YAML and name it in FOOTBALL_CONFIG."""

    def write(text):
        path = tmp_path / "own.yaml"
        path.write_text(text if isinstance(text, str) else yaml.safe_dump(text), encoding="utf-8")
        monkeypatch.setenv("FOOTBALL_CONFIG", str(path))

    return write


def test_every_shipped_value_is_read():
    """
    Without anything else the settings are those of the shipped file, to the last key.
    """
    shipped = yaml.safe_load(DEFAULT_FILE.read_text(encoding="utf-8"))

    settings = load_settings().model_dump()

    for section, values in shipped.items():
        assert settings[section].keys() == values.keys()
        assert {name: _plain(value) for name, value in settings[section].items()} == values


def _plain(value):
    return list(value) if isinstance(value, tuple) else value


def test_own_file_over_shipped_one(own_file):
    """
    One's own YAML needs to hold only what differs.
    """
    own_file({"service": {"port": 4000}, "training": {"seed": 7}})

    settings = load_settings()

    assert (settings.service.port, settings.training.seed) == (4000, 7)
    assert settings.service.host == "127.0.0.1"
    assert settings.training.model_name == "football"


def test_environment_over_own_file(own_file, monkeypatch):
    """
    A variable beats the file in its one value and leaves the file's others.
    """
    own_file({"service": {"port": 4000, "workers": 3}})
    monkeypatch.setenv("FOOTBALL_SERVICE__PORT", "5000")

    settings = load_settings()

    assert (settings.service.port, settings.service.workers) == (5000, 3)


def test_lists_come_from_the_environment_as_json(monkeypatch):
    """
    Several model names are given as a JSON list.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__MODELS", '["football", "second"]')

    assert load_settings().service.models == ("football", "second")


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("FOOTBALL_SERVICE__PORT", "70000", "service.port"),
        ("FOOTBALL_SERVICE__PORT", "many", "service.port"),
        ("FOOTBALL_SERVICE__WORKERS", "0", "service.workers"),
        ("FOOTBALL_SERVICE__DEADLINE_S", "-1", "service.deadline_s"),
        ("FOOTBALL_SERVICE__MODELS", "[]", "service.models"),
        ("FOOTBALL_SERVICE__MODELS_LOADED", "0", "service.models_loaded"),
        ("FOOTBALL_SERVICE__MODELS_LOADED", "11", "service.models_loaded"),
        ("FOOTBALL_SERVICE__OLD_API_ENDS_AT", "2026-12-24T00:00:00", "service.old_api_ends_at"),
        ("FOOTBALL_TRAINING__VALIDATION_DAYS", "1", "training.validation_days"),
        ("FOOTBALL_TRAINING__MODEL_NAME", "", "training.model_name"),
        ("FOOTBALL_TRAINING__SEED", "0.5", "training.seed"),
    ],
)
def test_bad_values_name_the_field(monkeypatch, variable, value, field):
    """
    A value that does not fit is refused with the field's path.
    """
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError, match=rf"(?s)do not hold together.*{field}"):
        load_settings()


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"service": {"prot": 4000}}, "service.prot"),
        ({"training": {"epochs": 3}}, "training.epochs"),
        ({"serving": {"port": 1}}, "serving"),
    ],
)
def test_unknown_keys_of_a_file_are_refused_by_name(own_file, content, key):
    """
    A misspelt key is an error, never a value that is silently not used.
    """
    own_file(content)

    with pytest.raises(SettingsError, match=rf"(?s){key}.*not permitted"):
        load_settings()


def test_unknown_variables_of_a_section_are_refused_by_name(monkeypatch):
    """
    So is a misspelt variable below a section.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__PROT", "4000")

    with pytest.raises(SettingsError, match=r"(?s)service\.prot.*not permitted"):
        load_settings()


def test_a_missing_own_file_is_an_error(monkeypatch, tmp_path):
    """
    FOOTBALL_CONFIG that names no file is refused with that name.
    """
    monkeypatch.setenv("FOOTBALL_CONFIG", str(tmp_path / "absent.yaml"))

    with pytest.raises(SettingsError, match=r"absent\.yaml', which is not a file\. Point it at a YAML file"):
        load_settings()


def test_reading_makes_no_folder(tmp_path):
    """
    Neither the home nor anything else appears by reading settings or asking for the database's URL.
    """
    settings = load_settings()

    assert settings.database_url.endswith("matches.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_the_database_lies_in_home_unless_named(monkeypatch, tmp_path):
    """
    SQLite in FOOTBALL_HOME by default; FOOTBALL_DATABASE_URL names another.
    """
    assert load_settings().database_url == f"sqlite:///{tmp_path / 'home' / 'matches.sqlite'}"

    monkeypatch.setenv("FOOTBALL_DATABASE_URL", "postgresql+psycopg://db/football")

    assert load_settings().database_url == "postgresql+psycopg://db/football"


def test_home_follows_the_data_folder_of_the_user(monkeypatch, tmp_path):
    """
    Without FOOTBALL_HOME it is XDG_DATA_HOME/football, or the usual place below the user's home.
    """
    monkeypatch.delenv("FOOTBALL_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    named = load_settings().home
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/someone")

    assert named == tmp_path / "football"
    assert load_settings().home == Path("/home/someone/.local/share/football")


def test_settings_are_frozen():
    """
    No code changes a setting after it was read, neither at the top nor below.
    """
    settings = load_settings()

    with pytest.raises(ValidationError, match="frozen"):
        settings.home = Path("/")
    with pytest.raises(ValidationError, match="frozen"):
        settings.service.port = 1
    with pytest.raises(ValidationError, match="frozen"):
        settings.training.seed = 1


def test_every_value_says_what_it_is():
    """
    Each field of each section has a description.
    """
    for section in ("service", "training"):
        for name, field in Settings.model_fields[section].annotation.model_fields.items():
            assert field.description, f"{section}.{name}"


def test_broken_yaml_is_a_settings_error(own_file):
    """
    A file that is not YAML is refused in words, not with a parser's traceback.
    """
    own_file("service: [unclosed")

    with pytest.raises(SettingsError, match="do not hold together"):
        load_settings()


def test_the_match_store_can_be_named_in_ones_own_file(own_file):
    """
    The database URL is a setting like any other; the environment still wins over it.
    """
    own_file({"database": "postgresql://db/football"})

    assert load_settings().database_url == "postgresql://db/football"


def test_an_address_that_others_can_reach_is_refused(monkeypatch):
    """
    Without API keys the service is for this machine only, whatever the settings ask for.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__HOST", "0.0.0.0")

    with pytest.raises(SettingsError, match=r"service\.host[\s\S]*other machines"):
        load_settings()


def test_places_are_made_absolute_where_they_are_read(monkeypatch, tmp_path):
    """
    A relative home or database means one place, wherever a server works later; ~ is the user's folder.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOTBALL_HOME", "state")
    monkeypatch.setenv("FOOTBALL_DATABASE_URL", "sqlite:///db/m.sqlite")
    given = load_settings()

    located = given.located()

    assert located.home == tmp_path / "state"
    assert located.database_url == f"sqlite:///{tmp_path}/db/m.sqlite"
    located.require_located()
    with pytest.raises(SettingsError, match="inside its bento"):
        given.require_located()
    monkeypatch.setenv("FOOTBALL_HOME", "~/football")
    assert load_settings().located().home == Path.home() / "football"


def test_watching_needs_leave_to_reload(monkeypatch):
    """
    To serve newer versions as they come while none may be changed is a contradiction, said at once.
    """
    monkeypatch.setenv("FOOTBALL_SERVICE__HOT_RELOAD", "true")
    assert load_settings().service.hot_reload
    monkeypatch.setenv("FOOTBALL_SERVICE__RELOAD", "off")

    with pytest.raises(SettingsError, match=r"service\.hot_reload is on"):
        load_settings()
