"""All commands of `flask`."""

from __future__ import annotations

from flask import Flask

from . import (
    backup_commands,
    catalogue_commands,
    destination_commands,
    file_commands,
    import_command,
    job_commands,
    repository_commands,
    source_commands,
    user_commands,
)

MODULES = (
    *(import_command, job_commands, source_commands, repository_commands),
    *(catalogue_commands, file_commands, backup_commands, destination_commands, user_commands),
)


def init_app(app: Flask) -> None:
    """Add the commands to the app."""
    for module in MODULES:
        for command in module.COMMANDS:
            app.cli.add_command(command)
