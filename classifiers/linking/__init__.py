"""Which reports tell of one event: pairwise links with reasons, and the groups that follow from them."""

from classifiers.linking.derive import derive
from classifiers.linking.facts import LINKER, Facts, facts
from classifiers.linking.find import Entry, Found, Index, Stored, compare_new, find_links
from classifiers.linking.groups import cluster
from classifiers.linking.index import Held
from classifiers.linking.lines import link_lines
from classifiers.linking.measure import measure
from classifiers.linking.train import train_link

__all__ = [
    "LINKER",
    "Entry",
    "Facts",
    "Found",
    "Held",
    "Index",
    "Stored",
    "cluster",
    "compare_new",
    "derive",
    "facts",
    "find_links",
    "link_lines",
    "measure",
    "train_link",
]
