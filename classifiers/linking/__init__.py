"""Which reports tell of one event: pairwise links with reasons, and the groups that follow from them."""

from classifiers.linking.derive import derive
from classifiers.linking.facts import LINKER, Facts, facts
from classifiers.linking.find import find_links, link_lines
from classifiers.linking.groups import cluster
from classifiers.linking.index import Filing, candidates, filings
from classifiers.linking.measure import measure
from classifiers.linking.train import train_link

__all__ = [
    "LINKER",
    "Facts",
    "Filing",
    "candidates",
    "cluster",
    "derive",
    "facts",
    "filings",
    "find_links",
    "link_lines",
    "measure",
    "train_link",
]
