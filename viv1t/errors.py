"""Errors that a user can mend. Scripts print them as one line and exit with status 2."""


class UserError(Exception):
    """Base of all errors whose message says what was expected, what was found, and what to do."""


class ConfigError(UserError, ValueError):
    """A flag, or a combination of flags, that cannot work."""


class DataError(UserError, ValueError):
    """A recording that is missing, damaged or inconsistent."""


class CheckpointError(UserError, ValueError):
    """A checkpoint that is damaged or belongs to another model."""


class MissingResultError(UserError, FileNotFoundError):
    """A file that an earlier step should have written; the message names the command."""

    def __str__(self) -> str:
        """The message itself (OSError would print a tuple for several arguments)."""
        return str(self.args[0]) if self.args else ""
