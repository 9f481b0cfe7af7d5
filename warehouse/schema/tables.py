"""Every table of the warehouse: which declared fields it has, its natural key, whether it is published."""

from dataclasses import dataclass
from typing import Final

from warehouse.schema.fields import FIELDS, Field


@dataclass(frozen=True)
class Table:
    """A table: `key` is its natural key (kept by MERGE and by a data check, not by a constraint)."""

    name: str
    description: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    published: bool = True
    working: bool = True

    @property
    def fields(self) -> tuple[Field, ...]:
        """Declared fields, in column order."""
        return tuple(FIELDS[name] for name in self.columns)

    @property
    def public_columns(self) -> tuple[str, ...]:
        """Columns that may leave the working file."""
        return tuple(field.name for field in self.fields if field.sensitivity == "public")


def _table(
    name: str, description: str, columns: str, key: str, *, published: bool = True, working: bool = True
) -> Table:
    return Table(name, description, tuple(columns.split()), tuple(key.split()), published, working)


_ALL: Final = (
    _table(
        "raw_items",
        "items as the sources gave them; one deletion here purges the original",
        "source_id given_id content_hash report_id text_hash mapper payload found_at fetched_at run_id created_at",
        "source_id given_id content_hash",
        published=False,
    ),
    _table(
        "reports",
        "posts kept because they are about an AI system's conduct",
        "report_id source_id stated_source platform channel native_id url created_at created_precision zone_assumed "
        "title text lang author_key engagement text_hash publish_text run_id text_gone_at",
        "report_id",
    ),
    _table(
        "screenings",
        "which posts the screen passed on, and why",
        "report_id text_hash screen platform kept reasons screened_at run_id",
        "report_id text_hash screen",
        published=False,
    ),
    _table(
        "instruments",
        "every exact version of rules and models that judged here",
        "instrument ordinal registered_at screen card",
        "instrument",
    ),
    _table(
        "labels",
        "one instrument's judgement of one text; history is kept, nothing is overwritten",
        "report_id text_hash instrument label_status kind p_strict is_strict behaviours behaviours_present "
        "behaviours_unsure actions evidence gravity score subject agents spans judged_at run_id action_probabilities",
        "report_id text_hash instrument",
    ),
    _table(
        "agreements",
        "how far two instruments, or an instrument and a second judge, agree on texts both have judged",
        "instrument second_instrument judged_field n kappa kappa_low kappa_high measured_at run_id",
        "instrument second_instrument judged_field",
    ),
    _table(
        "incidents",
        "real events, each with a permanent number",
        "incident incident_title first_reported_at first_reported_precision last_reported_at incident_status "
        "best_report_id agent_names vendors behaviours_present actions evidence gravity score p_strict is_strict "
        "reports opened_at run_id summary summary_basis occurred_at occurred_precision disclosed_at "
        "disclosed_precision behaviours evidence_tier echo sources independent_sources status_reason alternative "
        "subject principal actor several_agents verification verification_method verified_at vendor_answer "
        "archived_url archived_checked inputs_hash action_probabilities",
        "incident",
    ),
    _table(
        "incident_reports",
        "which report tells which incident, how it was joined and why (normal merging)",
        "incident report_id link_method link_score link_reason linked_to linked_at run_id derived_from derived_method "
        "derived_reason",
        "report_id",
    ),
    _table(
        "incident_changes",
        "every change of numbers and members, appended and never edited: who stood where on which day",
        "change_number changed_at change incident report_id other_incident reason run_id",
        "change_number",
    ),
    _table(
        "links",
        "pairs of reports found to tell one event: the strictest merge setting that joins them, and why",
        "report_id linked_to link_method link_score merge link_reason linked_at run_id",
        "report_id linked_to",
    ),
    _table(
        "report_facts",
        "what linking read in a report's text: dates told, several agents; a row says that the text was linked",
        "report_id text_hash linker filed occurred_at occurred_precision disclosed_at disclosed_precision "
        "several_agents vector",
        "report_id",
        published=False,
    ),
    _table(
        "blocking_keys",
        "index of linking: under each key the latest reports that have it, so that a new one is compared with few",
        "block_key report_id filed",
        "block_key report_id",
        published=False,
    ),
    _table(
        "copy_keys",
        "index of linking for copies: equal texts and addresses, and what near copies share",
        "block_key report_id filed",
        "block_key report_id",
        published=False,
    ),
    _table(
        "applied_decisions",
        "decisions that linking has taken account of",
        "review_id",
        "review_id",
        published=False,
    ),
    _table(
        "groupings",
        "groups of reports under each merge setting, so that counts can be recomputed",
        "merge report_id group_key",
        "merge report_id",
    ),
    _table(
        "merges",
        "incident numbers that redirect to another",
        "from_incident into_incident merged_at reason run_id",
        "from_incident",
    ),
    _table(
        "reviews",
        "human decisions: attributed, reasoned, reversible",
        "review_id review_of decision decided_value reviewer review_reason expected_text_hash draw_reason inclusion_p "
        "instrument reviewed_at undoes",
        "review_id",
    ),
    _table(
        "audit_draws",
        "posts drawn at random for human audit, kept and rejected ones, each with the probability of its draw",
        "draw report_id text_hash stratum inclusion_p instrument drawn_at run_id",
        "draw report_id",
    ),
    _table(
        "audit_strata",
        "strata of the random audit draws: how many posts each held and how many were drawn of them",
        "draw stratum posts drawn inclusion_p seed from_at to_at instrument run_id",
        "draw stratum",
    ),
    _table(
        "instrument_changes",
        "when one instrument took over from another: a break in every series; both judged the same texts",
        "instrument second_instrument changed_at rejudged not_rejudged strict_before strict_after run_id",
        "instrument second_instrument",
    ),
    _table(
        "panel_posts",
        "a frozen panel of reports, drawn once, on which every new instrument is compared with the one before",
        "panel report_id text_hash drawn_at",
        "panel report_id",
    ),
    _table(
        "panel_drifts",
        "how far a new instrument judges the frozen panel otherwise than the one before",
        "panel instrument second_instrument n changed_share mean_shift kappa kappa_low kappa_high measured_at run_id",
        "panel instrument second_instrument",
    ),
    _table(
        "runs",
        "every run and what it counted",
        "run_id command started_at finished_at run_state version queries instrument counts error",
        "run_id",
    ),
    _table(
        "cursors",
        "how far each stream of a source was read; moved in the transaction that stores its page",
        "source_id stream position updated_at run_id",
        "source_id stream",
        published=False,
    ),
    _table(
        "coverage",
        "which spans of which source were really read",
        "source_id stream platform from_at to_at coverage posts run_id",
        "source_id stream platform from_at",
    ),
    _table(
        "volumes",
        "how many posts of a control kind there were: the denominators",
        "source_id platform control from_at to_at posts count_method inclusion_p run_id",
        "source_id platform control from_at",
    ),
    _table(
        "rejects",
        "input set aside: by file, line and reason",
        "source_id stream file line content_hash reject_reason detail bytes head run_id",
        "source_id stream line content_hash",
    ),
    _table(
        "platforms",
        "what may be done with each platform's texts and what collecting there cannot see",
        "platform platform_name publish_text train licence cannot_see text_days",
        "platform",
    ),
    _table(
        "expectations",
        "weekly counts tested against the band expected from the weeks before: each week once",
        "expected_series period n expected_n band_low band_high dispersion p_adjusted tests is_unexpected tested_at "
        "told_at run_id",
        "expected_series period",
    ),
    _table(
        "reference_counts",
        "figures published by others: cited, never added to ours",
        "series what period_start period_end value value_unit confidence source_url note",
        "series what period_start",
    ),
    _table(
        "events",
        "dated events that move posting: drawn over series and left out in sensitivity checks, never counted",
        "event_date event_kind event_name event_agent source_url confidence note",
        "event_date event_name",
    ),
    _table(
        "reference_rates",
        "laboratory rates published by others; not comparable with field counts",
        "study model tested_behaviour subject condition statistic rate confidence source_url note",
        "study model tested_behaviour subject condition statistic",
    ),
    _table(
        "erasures",
        "what was forgotten, by hash: it is not collected again",
        "erased erased_what erased_at n",
        "erased",
        published=False,
    ),
    _table("counters", "the next permanent numbers", "name next_value", "name", published=False),
    _table("migrations", "schema changes applied", "migration name applied_at", "migration", published=False),
    _table(
        "snapshots",
        "snapshots published from this warehouse",
        "snapshot published_at sha256 fingerprint",
        "snapshot",
        published=False,
    ),
    _table(
        "snapshot_info",
        "which snapshot this file is",
        "snapshot published_at fingerprint version instrument lake_version",
        "snapshot",
        working=False,
    ),
    _table(
        "current_labels",
        "the label of each report's present text by the newest instrument, with what people decided laid over",
        "report_id text_hash instrument label_status kind p_strict is_strict behaviours behaviours_present "
        "behaviours_unsure actions evidence gravity score subject agents spans judged_at run_id action_probabilities "
        "decided",
        "report_id",
        working=False,
    ),
    _table(
        "daily_counts",
        "strict incidents and reports a day, under each merge setting and split: what every series is summed from",
        "counted merge split_by line_name day to_day n reports",
        "counted merge split_by line_name day to_day",
        working=False,
    ),
    _table(
        "undated_counts",
        "strict incidents and reports whose date is too coarse for a series, or unknown",
        "counted merge precision n",
        "counted merge precision",
        working=False,
    ),
    _table(
        "incident_links",
        "the links of each strict incident's reports, oldest first",
        "incident created_at report_id url",
        "incident created_at report_id",
        working=False,
    ),
    _table(
        "coverage_periods",
        "what is known of each platform's coverage in each day, week and month",
        "per source period state",
        "per source period",
        working=False,
    ),
    _table(
        "held_months",
        "reports kept, strict or not, by platform and month of publication",
        "source month reports",
        "source month",
        working=False,
    ),
    _table(
        "daily_volumes",
        "denominators: posts of each control kind a day, and the incidents of the same hours, where both were counted",
        "merge source control day hours volume incidents reports",
        "merge source control day",
        working=False,
    ),
    _table(
        "fits",
        "figures fitted to the series at publish: each with its interval, its n and its method, or why there is none",
        "fit merge line_name value low high p n method fit_reason note",
        "fit merge line_name",
        working=False,
    ),
    _table(
        "evidence_spans",
        "short excerpts around what a rule found, where the platform's terms allow them",
        "report_id span_rule span_field span_start span_end excerpt",
        "report_id span_rule span_field span_start excerpt",
        working=False,
    ),
    _table(
        "review_queue",
        "what reviewers are asked: the most informative reports and pairs, and apart the random audit draws",
        "queue_position question draw_reason priority queue_reasons report_id other_report_id incident text_hash "
        "stratum inclusion_p instrument second_reading",
        "queue_position",
        published=False,
        working=False,
    ),
    _table(
        "funnel",
        "what was read, kept, judged and counted at each step, by platform",
        "platform step step_order n",
        "platform step",
        working=False,
    ),
)

TABLES: Final[dict[str, Table]] = {table.name: table for table in _ALL}
WORKING: Final = tuple(table for table in _ALL if table.working)
PUBLISHED: Final = tuple(table for table in _ALL if table.published)
