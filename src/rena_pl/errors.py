"""The one exception that is meant for people."""


class RenaError(Exception):
    """Something the user can mend: one sentence that says what is wrong and where.

    The command line prints the sentence without a traceback and exits with code 2.
    """
