"""The settings of a hub: environment variables ``MODELKEEP_…``, a TOML file, and the options of ``serve``.

An option of a command wins over the environment, the environment over the file, the file over the default. Every
setting is listed in docs/reference/settings.md.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from modelkeep.domain.access import Visibility
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.webhooks import RETRY_DELAYS

_SHORTEST_PASSWORD = 12
_SHORTEST_TOKEN = 20
_LONGEST_DELAY = 7 * 86_400


class Settings(BaseSettings):
    """All settings of one hub. Sizes take units (``10MiB``), times are in seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="MODELKEEP_", extra="forbid", frozen=True)

    data: Path = Field(
        Path("modelkeep-data"), description="The folder that holds the database, repos and blobs."
    )
    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on.")
    public_url: str | None = Field(
        None, description="The hub's address as clients reach it, where it differs (behind a proxy)."
    )
    database_url: SecretStr | None = Field(
        None, description="The database; SQLite in the data folder where it is not set."
    )
    secret_key: SecretStr | None = Field(
        None, description="Signs transfer URLs; kept in the data folder where it is not set."
    )
    sign_tags: bool = Field(True, description="Sign the tags that the hub makes with its own SSH key.")
    signing_key_file: Path | None = Field(
        None, description="That key (OpenSSH, ed25519, no passphrase); kept in the data folder if not set."
    )
    admin_user: str = Field("admin", description="The name of the owner account made on the first start.")
    admin_password: SecretStr | None = Field(
        None, description="Its password; made up and printed once if not set."
    )
    admin_token: SecretStr | None = Field(None, description="A token for it, with every scope.")
    allow_insecure: bool = Field(
        False, description="Accept plain HTTP and weak passwords on an address that others can reach."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed."
    )
    accel_prefix: str | None = Field(
        None,
        description="Internal location of the blob folder in nginx; downloads then use X-Accel-Redirect.",
    )
    shutdown_seconds: float = Field(
        30, gt=0, description="How long transfers may go on after a signal to stop."
    )
    git_processes: int = Field(16, ge=1, description="How many fetches and pushes run at once.")
    git_seconds: float = Field(3600, gt=0, description="How long one fetch or push may take.")
    max_push: ByteSize = Field(ByteSize(2 << 30), description="The largest pack that a push may send.")
    max_git_file: ByteSize = Field(ByteSize(10 << 20), description="Files above this size must use Git LFS.")
    max_lfs_object: ByteSize = Field(ByteSize(1 << 40), description="The largest LFS object.")
    max_batch_objects: int = Field(1000, ge=1, description="Objects in one LFS batch request.")
    max_commit_body: ByteSize = Field(
        ByteSize(32 << 20), description="The largest commit request of the REST API."
    )
    xet_advertise_above: ByteSize = Field(
        ByteSize(50_000_000_000), description="Larger files are offered to clients by the Xet store, too."
    )
    max_hub_commit: ByteSize = Field(
        ByteSize(256 << 20), description="The largest commit request of the Hub API."
    )
    multipart_above: ByteSize = Field(
        ByteSize(64 << 20), description="LFS objects above this size are sent in parts by clients that can."
    )
    part_size: ByteSize = Field(ByteSize(64 << 20), ge=1 << 20, description="The size of such a part.")
    url_lifetime: float = Field(3600, gt=0, description="The shortest life of a signed transfer URL.")
    restore_days: float = Field(30, ge=0, description="For how many days a deleted repo can be restored.")
    storage_grace_days: float = Field(
        30, ge=1, description="For how many days what no repo can reach any more stays in the store."
    )
    default_branch: str = Field("main", description="The default branch of new repos.")
    default_visibility: Visibility = Field(
        Visibility.PRIVATE, description="The default visibility of repos of new users and organisations."
    )
    admins_create_organisations: bool = Field(False, description="Only administrators create organisations.")
    login_failures_allowed: int = Field(
        5, ge=1, description="Wrong passwords for one name and address before log-in is slowed down."
    )
    webhook_allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks, addresses and host names that webhooks may reach though they are not public.",
    )
    webhook_ports: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="The ports that webhooks may have; any where none is named."
    )
    webhook_retry_delays: Annotated[tuple[float, ...], NoDecode] = Field(
        RETRY_DELAYS, description="Seconds from one attempt of a delivery to the next."
    )
    webhook_off_days: float = Field(
        7, gt=0, description="A webhook that has failed for so many days is switched off."
    )
    import_endpoint: str = Field(
        "https://huggingface.co", description="The hub that imports come from where none is named."
    )
    import_allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Networks, addresses and host names that imports may read from though they are not public.",
    )
    import_workers: int = Field(2, ge=0, le=16, description="How many imports run at once; 0 for none.")
    import_streams: int = Field(4, ge=1, le=16, description="How many files one import fetches at once.")
    event_days: float = Field(
        30, gt=0, description="For how many days events and the log of deliveries are kept."
    )
    event_streams: int = Field(200, ge=0, description="How many streams of events are open at once.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level to log."
    )
    log_format: Literal["json", "console", "auto"] = Field(
        "auto", description="How to log; auto is console on a terminal and JSON elsewhere."
    )

    @field_validator(
        "trusted_proxies",
        "webhook_allowed_networks",
        "webhook_ports",
        "webhook_retry_delays",
        "import_allowed_networks",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network, strict=False)
        return value

    @field_validator("webhook_ports")
    @classmethod
    def _check_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536 for port in value):
            raise ValueError("must be ports from 1 to 65535, such as 443,8443")
        return value

    @field_validator("webhook_retry_delays")
    @classmethod
    def _check_delays(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or any(not 0 < delay <= _LONGEST_DELAY for delay in value):
            raise ValueError("must be one or more numbers of seconds, each up to a week, such as 5,30,120")
        return value

    @field_validator("import_endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or any(sign in value for sign in "?#@ "):
            raise ValueError("must be a URL such as https://huggingface.co")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Reads options, then the environment, then the TOML file that :meth:`load` was given."""
        toml = settings_cls.model_config.get("toml_file")
        file = (TomlConfigSettingsSource(settings_cls),) if toml else ()
        return init_settings, env_settings, *file

    @classmethod
    def load(cls, *, config_file: Path | None = None, **options: Any) -> Self:
        """Reads the settings; an option that is None counts as not given.

        Raises:
            InvalidInput: A setting is wrong or unknown, or the file cannot be read; each is named.
        """
        path = config_file or (Path(env) if (env := os.environ.get("MODELKEEP_CONFIG")) else None)
        given = {name: value for name, value in options.items() if value is not None}
        kind = cls
        if path is not None:
            if not path.is_file():
                raise InvalidInput(f"There is no configuration file {path}.", code="invalid_settings")
            kind = type(
                cls.__name__,
                (cls,),
                {"model_config": SettingsConfigDict(toml_file=path), "__module__": __name__},
            )
        try:
            return kind(**given)
        except ValidationError as error:
            shown = "; ".join(
                f"MODELKEEP_{'.'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise InvalidInput(f"The settings are wrong: {shown}", code="invalid_settings") from None
        except ValueError as error:  # a TOML file that is none
            raise InvalidInput(f"{path}: {error}", code="invalid_settings") from None

    def require_safe(self) -> None:
        """Refuses to open the hub to others with defaults that are only safe on one's own machine.

        Raises:
            InvalidInput: The address can be reached by others, and passwords and tokens would travel in the clear,
                or the owner's password or token is short.
        """
        if self.allow_insecure or _is_loopback(self.host):
            return
        if not (self.public_url or "").startswith("https://"):
            raise InvalidInput(
                f"Refusing to listen on {self.host}: passwords and tokens would travel in the clear. Put a proxy with "
                "TLS in front and set MODELKEEP_PUBLIC_URL=https://…, or accept the risk with "
                "MODELKEEP_ALLOW_INSECURE=1.",
                code="unsafe_settings",
            )
        password = self.admin_password.get_secret_value() if self.admin_password else None
        if password is not None and len(password) < _SHORTEST_PASSWORD:
            raise InvalidInput(
                f"Refusing to listen on {self.host}: MODELKEEP_ADMIN_PASSWORD has fewer than {_SHORTEST_PASSWORD} "
                "characters. Choose a longer one, or accept the risk with MODELKEEP_ALLOW_INSECURE=1.",
                code="unsafe_settings",
            )
        token = self.admin_token.get_secret_value() if self.admin_token else None
        if token is not None and len(token) < _SHORTEST_TOKEN:
            raise InvalidInput(
                f"Refusing to listen on {self.host}: MODELKEEP_ADMIN_TOKEN has fewer than {_SHORTEST_TOKEN} "
                "characters, and nothing slows down who guesses tokens. Choose a longer one, or accept the risk with "
                "MODELKEEP_ALLOW_INSECURE=1.",
                code="unsafe_settings",
            )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
