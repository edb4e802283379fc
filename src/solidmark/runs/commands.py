"""A command line as a person can copy it, whatever the paths in it hold."""

import shlex

_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "'": "\\'", "\\": "\\\\"}


def command_line(*words: object) -> str:
    """A command line of ours, quoted for a shell.

    What a terminal would act upon (control characters, marks of direction) is written in the
    `$'...'` of bash and zsh, so that it can be shown and copied, and changes nothing.

    Arguments:
        words: The verb, its arguments and options; of paths their `path_word`.

    Example:
        >>> command_line("audit", "a model", "marked", "--limit", 5)
        "solidmark audit 'a model' marked --limit 5"
    """
    return " ".join(["solidmark", *(shell_word(str(word)) for word in words)])


def path_word(path: object) -> str:
    """A path as an argument: one that begins with a dash would be taken for an option."""
    text = str(path)
    return f"./{text}" if text.startswith("-") else text


def shell_word(word: str) -> str:
    """A word of a command line, quoted for a shell where it must be."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_escaped, word))}'"


def _escaped(letter: str) -> str:
    if letter in _NAMED:
        return _NAMED[letter]
    if letter.isprintable():
        return letter
    return "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
