"""Putting a released model on the hub: only when it is asked for."""

from pathlib import Path

from solidmark.errors import BadInput
from solidmark.runs import asking_the_hub, read_manifest

OURS = ["manifest.json", "files.json", "config.yaml", ".*"]
"""Files of the run, which nobody else needs."""


def push(folder: Path, repository: str, *, public: bool = False) -> str:
    """Uploads a released model into a repository of the hub, which is made if it is not there.

    Arguments:
        folder: The folder of `release`.
        repository: Its name, "owner/name". The token is the one that `hf auth login` keeps.
        public: Whether everybody may see it. One that is there already stays as it is.

    Returns:
        Its address.

    Raises:
        NotFound: When the folder holds no released model.
        RunConflict: When the release is not finished.
        BadInput: When the hub refuses, or cannot be reached.
    """
    from huggingface_hub import HfApi

    read_manifest(folder, "release")
    api = HfApi()
    try:
        with asking_the_hub():
            where = api.create_repo(repository, private=not public, exist_ok=True)
            api.upload_folder(repo_id=where.repo_id, folder_path=folder, ignore_patterns=OURS)
    except Exception as error:  # Which library the hub's client asks with has changed before.
        said = " ".join(str(error).split())
        raise BadInput(
            f'"{repository}" could not be written on the hub ({said[:200]}). Check the name, log '
            'in with "hf auth login", and run the same command again: the folder is made.'
        ) from error
    return str(where)
