"""Errors that reach the user: each message names the place and says what to do."""


class OffscriptError(RuntimeError):
    """Base of the errors the command line prints without a traceback."""


class InputError(OffscriptError):
    """The command was given something it cannot use."""
