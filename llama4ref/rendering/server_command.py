"""What is vLLM's server started with? One configuration becomes one model, options as words, and environment variables.

Every form in which a plan is written, and every proof that launches one, takes the words from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.engine.option_values import object_of, object_text
from llama4ref.errors import ReleaseError, RequestError, SettingError, nearest_names
from llama4ref.facts.types.releases import holds_at
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llama4ref.engine.engine_config import EngineConfig, Reason, Setting
    from llama4ref.facts.types.engines import Engine, Flag

MODEL = "model"
"""Name of the option that `vllm serve` takes without dashes, in the first place."""
PORT, SERVED_NAME = "port", "served-model-name"
DEFAULT_PORT = 8000
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
"""Control characters and what is no character: some form, or a terminal that shows it, would change or lose them."""
_PORT = re.compile(r"[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the server."""

    name: str
    """Without dashes in front; with `no-` where a switch is turned off."""
    value: str | None
    """Text of the value; None for a switch."""
    is_json: bool = False
    """Whether the value is a JSON object."""
    is_number: bool = False
    reasons: tuple[Reason, ...] = ()
    """Why it is there."""

    @property
    def words(self) -> tuple[str, ...]:
        """The option as words of a command line, unquoted; one word where the value could pass for an option."""
        if self.value is None:
            return (f"--{self.name}",)
        return (f"--{self.name}={self.value}",) if self.value.startswith("-") else (f"--{self.name}", self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """How a server is started, checked against its release and ready to be written in any form."""

    model: str
    """Name or path of the checkpoint."""
    options: tuple[Option, ...]
    environment: Mapping[str, str]
    environment_reasons: Mapping[str, tuple[Reason, ...]]

    @property
    def port(self) -> int:
        """Where the server will listen."""
        given = [option.value for option in self.options if option.name == PORT and option.value]
        return int(given[0]) if given else DEFAULT_PORT

    @property
    def served_name(self) -> str:
        """Name of the model in requests."""
        given = [option.value for option in self.options if option.name == SERVED_NAME and option.value]
        return given[0] if given else self.model

    @property
    def words(self) -> tuple[str, ...]:
        """What stands after `vllm serve`: the model and the options, unquoted."""
        return (self.model, *self._option_words)

    @property
    def module_words(self) -> tuple[str, ...]:
        """The same for the server's module, which takes the model as an option."""
        return (f"--{MODEL}", self.model, *self._option_words)

    @property
    def _option_words(self) -> tuple[str, ...]:
        return tuple(word for option in self.options for word in option.words)


def server_command(config: EngineConfig, engine: Engine) -> ServerCommand:
    """How a configuration is started at its release.

    Raises:
        RequestError: where no model is named, or a setting has a value that its option does not take.
        ReleaseError: for a release that was never published or is not covered, or that lacks a setting or variable.
    """
    engine.covered_release(config.release)
    reasons: dict[str, list[Reason]] = {}
    for reason in config.reasons:
        reasons.setdefault(flag_name(reason.about), []).append(reason)
    for name, value in config.environment.items():
        _check_variable(name, value, engine, config.release)
    return ServerCommand(
        model=_model(config.settings),
        options=tuple(_options(config, engine, reasons)),
        environment=config.environment,
        environment_reasons={name: tuple(reasons.get(name, ())) for name in config.environment},
    )


def flag_name(name: str) -> str:
    """The name of a setting as flags are named in the facts, however it was spelled; variables stay as they are."""
    return name if name.isupper() else name.removeprefix("--").replace("_", "-")


def _model(settings: Mapping[str, Setting]) -> str:
    model = settings.get(MODEL)
    if model is None:
        raise SettingError(MODEL, "no repository is known to load the checkpoint from; name a path of your own")
    if not isinstance(model, str) or not model or model.startswith("-"):
        raise SettingError(MODEL, f"found {model!r}, expected a repository or a path")
    return _writable(MODEL, model)


def _options(config: EngineConfig, engine: Engine, reasons: Mapping[str, list[Reason]]) -> Iterator[Option]:
    known = set(engine.flags_at(config.release))
    for setting, value in config.settings.items():
        name = flag_name(setting)
        if name == MODEL:
            continue
        if name not in known:
            raise ReleaseError(_absent(name, engine, config.release, known), setting=name)
        yield _option(name, value, engine.flags[name], config.release, tuple(reasons.get(name, ())))


def _option(name: str, value: Setting, flag: Flag, release: str, reasons: tuple[Reason, ...]) -> Option:
    if flag.takes == "switch":
        if not isinstance(value, bool):
            raise SettingError(name, f"found {value!r}, expected true or false; it is a switch")
        return Option(name=name if value else f"no-{name}", value=None, reasons=reasons)
    if isinstance(value, bool):
        raise SettingError(name, f"found {value}, expected a value; it is no switch")
    if flag.takes == "json":
        text = _object(name, str(value), flag, release)
        return Option(name=name, value=text, is_json=not flag.takes_pairs_at(release), reasons=reasons)
    text = _writable(name, str(value))
    if name == PORT and not _PORT.fullmatch(text):
        raise SettingError(PORT, f"found {text!r}, expected a whole number from 1 to 65535")
    return Option(name=name, value=text, is_number=not isinstance(value, str), reasons=reasons)


def _object(name: str, value: str, flag: Flag, release: str) -> str:
    """The object's text as the release takes it; JSON holds what cannot be written as an escape of its own."""
    try:
        return object_text(object_of(value), flag, release)
    except RequestError as error:
        raise SettingError(name, str(error)) from error


def _writable(name: str, text: str) -> str:
    found = _UNWRITABLE.search(text)
    if found is not None:
        raise SettingError(name, f"found the character U+{ord(found[0]):04X}, expected text without control characters")
    return text


def _absent(name: str, engine: Engine, release: str, known: set[str]) -> str:
    flag = engine.flags.get(name)
    if flag is None:
        near = nearest_names(name, known)
        return f"{engine.name} has no --{name}; " + (f"did you mean --{near[0]}" if near else "take it out of the plan")
    if flag.until and not holds_at(release, until=flag.until):
        note = f": {flag.note}" if flag.note else ""
        return f"{engine.name} {release} has no --{name}; it was there until {flag.until}{note}"
    return f"{engine.name} {release} has no --{name}; it is there from {flag.since} on"


def _check_variable(name: str, value: str, engine: Engine, release: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise RequestError(f"environment: found the name {name!r}, expected letters, digits and underscores")
    _writable(name, value)
    variable = engine.environment.get(name)
    if variable is not None and not holds_at(release, since=variable.since, until=variable.until):
        raise ReleaseError(
            f"{engine.name} {release} reads no {name}; it is read from {variable.since if variable.since is not UNKNOWN else engine.first_release}"
            f" until {variable.until or 'now'}",
            setting=name,
        )
