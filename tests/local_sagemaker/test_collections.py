"""Collections of the local registry: nested, and holding model package groups."""

import pytest

from local_sagemaker import BadInputError, Home
from local_sagemaker.history import History
from local_sagemaker.registry import Collection, Registry


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(History(home))


def test_a_group_brings_its_collection_and_those_around_it(home: Home, registry: Registry) -> None:
    for _ in range(2):
        registry.collect("fraud", "insurance/auto-claims")
    registry.collect("churn", "insurance")
    registry.collect("churn", "insurance/auto-claims")
    expected = [Collection("insurance", ("churn",)), Collection("insurance/auto-claims", ("churn", "fraud"))]
    assert registry.collections() == expected
    assert Registry(History(Home(home.folder))).collections() == expected


def test_collections_come_in_the_order_of_a_tree(registry: Registry) -> None:
    """By names and not by text: a - sorts before a /, and must not come between a collection and its inner ones."""
    for path in ("a-b", "a/z", "b", "a/c/d"):
        registry.create_collection(path)
    assert [collection.path for collection in registry.collections()] == ["a", "a/c", "a/c/d", "a/z", "a-b", "b"]


def test_only_an_empty_collection_can_be_deleted(registry: Registry) -> None:
    registry.collect("fraud", "insurance/auto-claims")
    with pytest.raises(BadInputError, match="insurance is not empty: it holds insurance/auto-claims"):
        registry.delete_collection("insurance")
    with pytest.raises(BadInputError, match="insurance/auto-claims is not empty: it holds fraud"):
        registry.delete_collection("insurance/auto-claims")
    registry.uncollect("fraud", "insurance/auto-claims")
    registry.delete_collection("insurance/auto-claims")
    assert registry.collections() == [Collection("insurance", ())]


def test_what_is_not_there_is_named_with_what_is(registry: Registry) -> None:
    registry.collect("fraud", "insurance")
    with pytest.raises(BadInputError, match="there is no collection nowhere; there are insurance"):
        registry.delete_collection("nowhere")
    with pytest.raises(BadInputError, match="churn is not in the collection insurance, which has fraud"):
        registry.uncollect("churn", "insurance")
    with pytest.raises(BadInputError, match="there is no collection nowhere"):
        registry.uncollect("fraud", "nowhere")


@pytest.mark.parametrize("path", ["", "/", "a//b", "/a", "a/", "a b", "../a", "a\n"])
def test_a_path_that_is_none_is_refused_and_leaves_nothing(registry: Registry, path: str) -> None:
    with pytest.raises(BadInputError, match="cannot be a collection"):
        registry.collect("fraud", path)
    assert registry.collections() == []


@pytest.mark.parametrize("group", ["", "-fraud", "a/b", "a" * 64])
def test_a_group_that_could_not_be_one_is_refused(registry: Registry, group: str) -> None:
    with pytest.raises(BadInputError, match="cannot be a model package group"):
        registry.collect(group, "insurance")
    assert registry.collections() == []
