"""Which reports tell of one event: pairwise links with reasons, and the groups that follow from them."""

from classifiers.linking.find import find_links, link_lines
from classifiers.linking.groups import cluster
from classifiers.linking.index import blocking_keys
from classifiers.linking.measure import measure
from classifiers.linking.train import train_link

__all__ = ["blocking_keys", "cluster", "find_links", "link_lines", "measure", "train_link"]
