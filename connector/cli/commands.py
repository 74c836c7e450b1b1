"""All commands of `flask`. A command is imported when it is used, since most need only a part of the app."""

from __future__ import annotations

from importlib import import_module

import click
from flask import Flask
from flask.cli import AppGroup

MODULES = {
    "backup_commands": ("backup", "restore"),
    "catalogue_commands": ("takedown", "remap"),
    "destination_commands": ("destination", "publish"),
    "export_command": ("export",),
    "file_commands": ("files",),
    "import_command": ("import",),
    "job_commands": ("rerun", "stop", "undo", "request-log", "jobs", "recover"),
    "repository_commands": ("login",),
    "resume_commands": ("resume", "retry"),
    "server_command": ("up",),
    "source_commands": ("sources", "schedule", "notify", "prune"),
    "user_commands": ("user",),
    "worker_command": ("worker",),
}
MODULE_OF = {name: module for module, names in MODULES.items() for name in names}


class LazyGroup(AppGroup):
    """A group that imports the module of a command of this app when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *MODULE_OF})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None if there is no such command."""
        if cmd_name not in MODULE_OF:
            return super().get_command(ctx, cmd_name)
        commands: list[click.Command] = import_module(f".{MODULE_OF[cmd_name]}", __package__).COMMANDS
        return next(command for command in commands if command.name == cmd_name)


def init_app(app: Flask) -> None:
    """Add the commands to the app."""
    app.cli = LazyGroup(app.name)
