"""Datasets, through our own client, in process and over a socket."""

from __future__ import annotations

import pytest
from harness import Running

from encord_convert.sdk.exceptions import ResourceNotFoundError
from encord_convert.sdk.orm.dataset import DatasetUserRole, StorageLocation


@pytest.mark.proves("service: 5")
def test_a_dataset_is_made_listed_and_opened(server: Running) -> None:
    ann = server.user("ann")
    made = ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE, "cameras 1 to 4")
    [listed] = ann.get_datasets()
    assert listed["user_role"] == DatasetUserRole.ADMIN
    assert (listed["dataset"].title, listed["dataset"].description) == ("Crossings", "cameras 1 to 4")
    opened = ann.get_dataset(made.dataset_hash)
    assert (opened.title, opened.storage_location) == ("Crossings", StorageLocation.CORD_STORAGE)


@pytest.mark.proves("service: 5")
def test_what_another_made_is_as_if_it_were_not(server: Running) -> None:
    made = server.user("ann").create_dataset("Crossings", StorageLocation.CORD_STORAGE)
    bob = server.user("bob")
    assert bob.get_datasets() == []
    with pytest.raises(ResourceNotFoundError, match=r"There is no dataset .*, or this key may not see it"):
        bob.get_dataset(made.dataset_hash)
