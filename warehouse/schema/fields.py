"""Every column of the warehouse, declared once: type, meaning, unit, example, who may see it.

DDL, `COMMENT ON`, the data dictionary, the published column list and the export metadata are generated from here.
Only types that DuckDB and DuckLake share are used (no ENUM, no fixed-size arrays, no sequences).
"""

from dataclasses import dataclass
from typing import Final, Literal

from warehouse.schema import codes

Sensitivity = Literal["public", "private"]


@dataclass(frozen=True)
class Field:
    """One column: `sensitivity` "private" keeps it out of snapshots and exports."""

    name: str
    type: str
    description: str
    example: str
    unit: str | None = None
    sensitivity: Sensitivity = "public"
    vocabulary: str | None = None

    def __post_init__(self) -> None:
        if self.vocabulary is not None and self.vocabulary not in codes.VOCABULARIES:
            msg = f"field {self.name}: no vocabulary {self.vocabulary!r}"
            raise ValueError(msg)


def _private(name: str, type_: str, description: str, example: str, unit: str | None = None) -> Field:
    return Field(name, type_, description, example, unit, "private")


def _code(name: str, vocabulary: str, description: str, example: str, type_: str = "VARCHAR") -> Field:
    return Field(name, type_, description, example, vocabulary=vocabulary)


_ALL: Final = (
    # identity and provenance
    Field(
        "report_id", "VARCHAR", "platform:channel:native id, parsed from the address where it can be", "github:o/r:12"
    ),
    Field("source_id", "VARCHAR", "the collector that brought it, as in the source registry", "import"),
    Field("platform", "VARCHAR", "the platform it was published on", "github"),
    Field("channel", "VARCHAR", "part of the platform: repository, subreddit, host, list", "anthropics/claude-code"),
    Field("native_id", "VARCHAR", "the platform's own id of the post", "14220"),
    _private("given_id", "VARCHAR", "the id under which the source gave it", "gh_full:14220"),
    Field("url", "VARCHAR", "public address of the post", "https://github.com/o/r/issues/12"),
    Field("stated_source", "VARCHAR", "where the source says it stood; context for the instrument", "github_issue:o/r"),
    _private("payload", "JSON", "the item as the source gave it", '{"id": "…"}'),
    Field(
        "content_hash", "VARCHAR", "hash of what is read of the item (not of votes), 32 hex digits", "9f86d081884c7d65…"
    ),
    _private("found_at", "VARCHAR", "file and line, or request, that brought the item", "posts.jsonl.gz:17"),
    Field("fetched_at", "TIMESTAMPTZ", "when the item was read, UTC", "2026-11-21 10:00:00+00"),
    Field("run_id", "VARCHAR", "the run that wrote the row", "20261121T100000Z-1f3a"),
    Field("mapper", "VARCHAR", "version of the mapping from raw item to report", "map-1"),
    # report
    Field(
        "created_at",
        "TIMESTAMPTZ",
        "when it was published, UTC; start of the day, month or year if coarser",
        "2026-03-01",
    ),
    _code("created_precision", "precision", "how exactly the publication date is known", "second"),
    Field("zone_assumed", "BOOLEAN", "the date had no time zone; UTC was assumed", "false"),
    _private("title", "VARCHAR", "title as published", "Agent deleted my branch"),
    _private("text", "VARCHAR", "text as published, without a repeated title", "I asked it to …"),
    Field("lang", "VARCHAR", "language stated by the source, BCP 47", "en"),
    _private("author_key", "VARCHAR", "keyed hash of the author's account", "b8e4e4adb3593d50"),
    Field("engagement", "BIGINT", "likes, votes or shares stated by the source", "12", unit="reactions"),
    Field("text_hash", "VARCHAR", "sha256 of title and text, first 32 hex digits", "2c26b46b68ffc68f…"),
    Field(
        "text_gone_at",
        "TIMESTAMPTZ",
        "when its text was deleted here (term, deletion, request), UTC",
        "2026-11-21 10:00:00+00",
    ),
    _code("publish_text", "publish_text", "how much of the text may be published", "span"),
    # screening and label
    Field("screen", "VARCHAR", "version of the screen", "screen-5d41402a"),
    Field("kept", "BOOLEAN", "the screen passed it on to be judged", "true"),
    Field("reasons", "VARCHAR[]", "what made the screen keep it", "[act:deleted, limit:without asking]"),
    Field("screened_at", "TIMESTAMPTZ", "when it was screened, UTC", "2026-11-21 10:00:00+00"),
    Field(
        "instrument",
        "VARCHAR",
        "exact version of text rule, rules, model and thresholds that judged",
        "offscript-0.1-1f3a9c21",
    ),
    _code("label_status", "label_status", "whether it was judged, and if not why", "judged"),
    _code("kind", "kind", "what the text mainly is", "first_hand"),
    Field(
        "p_strict",
        "DOUBLE",
        "calibrated probability of a strict positive on the enriched gold set",
        "0.87",
        "probability",
    ),
    Field("is_strict", "BOOLEAN", "an event told first or second hand, evidence strong enough", "true"),
    Field("behaviours", "JSON", "probability of each behaviour category", '{"shutdown_tampering": 0.7}', "probability"),
    _code("behaviours_present", "behaviour", "behaviours above their threshold", "[shutdown_tampering]", "VARCHAR[]"),
    _code("behaviours_unsure", "behaviour", "behaviours too close to their threshold to say", "[]", "VARCHAR[]"),
    _code("actions", "action", "what the system is said to have done", "[data_deletion]", "VARCHAR[]"),
    Field("action_probabilities", "JSON", "probability of each action", '{"data_deletion": 0.7}', "probability"),
    _code("evidence", "evidence", "what the text offers that the event happened, 0-4", "2", "INTEGER"),
    _code("gravity", "gravity", "the harm told, whatever the evidence, 0-4", "3", "INTEGER"),
    _code("score", "score", "strength of the case in this text, 0-9, by our codebook only", "6", "INTEGER"),
    _code("subject", "subject", "what the act protected or served", "unknown"),
    Field("agents", "JSON", "AI products or models named as the actor: name, family, vendor", '[{"name": "codex"}]'),
    Field("spans", "JSON", "rule and character range that caused the judgement", '[{"rule": "act", "start": 0}]'),
    Field("judged_at", "TIMESTAMPTZ", "when it was judged, UTC", "2026-11-21 10:00:00+00"),
    Field("registered_at", "TIMESTAMPTZ", "when the instrument was first used here, UTC", "2026-11-21 10:00:00+00"),
    Field("ordinal", "BIGINT", "order in which instruments came into use; the highest is current", "1"),
    Field("card", "JSON", "the instrument's card: data, date, measured quality", "{…}"),
    Field("second_instrument", "VARCHAR", "the instrument or judge it was compared with", "judge-some-model-1f3a9c21"),
    Field("judged_field", "VARCHAR", "what both judged", "is_strict"),
    Field("kappa", "DOUBLE", "agreement beyond chance (Cohen; of scales: quadratic weighted)", "0.81", "-1 to 1"),
    Field("kappa_low", "DOUBLE", "lower end of its 95 % interval (bootstrap over texts)", "0.74", "-1 to 1"),
    Field("kappa_high", "DOUBLE", "upper end of its 95 % interval (bootstrap over texts)", "0.87", "-1 to 1"),
    Field("measured_at", "TIMESTAMPTZ", "when it was measured, UTC", "2026-11-21 10:00:00+00"),
    # incident
    Field("incident", "BIGINT", "permanent number of the incident, never reused", "42"),
    Field(
        "incident_title", "VARCHAR", "neutral title made from what was found, not from the post", "Codex: data deletion"
    ),
    Field("first_reported_at", "TIMESTAMPTZ", "publication of its earliest dated report, UTC", "2026-03-01"),
    _code("first_reported_precision", "precision", "how exactly that date is known", "day"),
    Field("last_reported_at", "TIMESTAMPTZ", "publication of its latest dated report, UTC", "2026-03-09"),
    _code("incident_status", "incident_status", "what is known of it beyond the reports", "reported"),
    Field(
        "best_report_id", "VARCHAR", "its report with the strongest evidence, then score, then date", "github:o/r:12"
    ),
    Field("agent_names", "VARCHAR[]", "agents named in its reports", "[codex]"),
    Field("vendors", "VARCHAR[]", "vendors of those agents", "[OpenAI]"),
    Field("reports", "BIGINT", "reports joined into it", "3", "reports"),
    Field(
        "summary",
        "VARCHAR",
        "neutral summary: what was found, and the best report's own words as far as its platform's terms allow",
        "Reported of codex: data deletion. In the report's words: “it deleted the folder”",
    ),
    _code("summary_basis", "publish_text", "how much of the best report's text the summary may repeat", "span"),
    Field("occurred_at", "TIMESTAMPTZ", "when the event happened, if its reports say so; start of the span", "2026-02"),
    _code("occurred_precision", "precision", "how exactly that date is known", "month"),
    Field("disclosed_at", "TIMESTAMPTZ", "when it was made known, if its reports say so; start of the span", "2026-03"),
    _code("disclosed_precision", "precision", "how exactly that date is known", "month"),
    _code("evidence_tier", "evidence_tier", "the strongest evidence of any of its reports", "account"),
    Field("echo", "BIGINT", "reports of it that only pass on another one", "2", "reports"),
    Field("sources", "BIGINT", "different accounts, or hosts where the account is not known, that tell it", "2"),
    Field(
        "independent_sources",
        "BIGINT",
        "those of them with a report that does not derive from another one and is first hand or brings an artefact",
        "1",
    ),
    Field("status_reason", "VARCHAR", "the rule or the decision behind the status", "decision 1f3a9c21 by ab"),
    Field("alternative", "VARCHAR", "alternative explanation, if a person stated one", "the folder was empty before"),
    _code("principal", "principal", "whose instruction was broken; only a person decides it", "user"),
    Field("actor", "VARCHAR", "the system said to have acted: named in the best report, or unknown", "codex"),
    _code("several_agents", "several_agents", "whether several AI systems were involved", "unknown"),
    _code("verification", "verification", "whether the event was checked", "unchecked"),
    Field("verification_method", "VARCHAR", "how it was checked", "the commit is public"),
    Field("verified_at", "TIMESTAMPTZ", "when it was checked, UTC", "2026-11-21"),
    Field("vendor_answer", "VARCHAR", "address of the vendor's public answer", "https://example.org/answer"),
    Field(
        "archived_url",
        "VARCHAR",
        "archived copy of the best report: one that was decided on, else where archives look for it",
        "https://web.archive.org/web/https://example.org/1",
    ),
    Field("archived_checked", "BOOLEAN", "somebody saw that the archived copy exists", "false"),
    _private("inputs_hash", "VARCHAR", "hash of what the record was derived from; unchanged: not derived again", "17"),
    Field("change_number", "BIGINT", "order of the change", "7"),
    Field("changed_at", "TIMESTAMPTZ", "when it changed, UTC", "2026-11-21 10:00:00+00"),
    _code("change", "incident_change", "what changed", "joined"),
    Field("other_incident", "BIGINT", "the other number: redirected to, or split off", "42"),
    Field("derived_from", "VARCHAR", "the earlier report that this one passes on, null if it stands by itself", "x:1"),
    _code("derived_method", "derived_method", "how that was found", "quote"),
    Field("derived_reason", "VARCHAR", "the same in words", "repeats 24 words of it"),
    Field("linker", "VARCHAR", "version of the reading for linking", "link-1"),
    Field("block_key", "BIGINT", "hash of something two reports of one event are likely to share", "-81273"),
    Field("filed", "BIGINT", "order in which the report was filed in the index", "512"),
    _private("vector", "BLOB", "sentence vector of the report's beginning, 384 half-precision floats", "…"),
    Field("opened_at", "TIMESTAMPTZ", "when its number was given, UTC", "2026-11-21 10:00:00+00"),
    _code("merge", "merge", "merge setting", "normal"),
    Field("group_key", "VARCHAR", "the earliest report of the group under that setting", "github:o/r:12"),
    _code("link_method", "link_method", "how the report was joined", "near_duplicate"),
    Field("link_score", "DOUBLE", "strength of the link", "0.93", "0-1"),
    Field("link_reason", "VARCHAR", "the link explained in words", "same normalised text"),
    Field("linked_to", "VARCHAR", "the earlier report it was joined to", "github:o/r:11"),
    Field("linked_at", "TIMESTAMPTZ", "when it was joined, UTC", "2026-11-21 10:00:00+00"),
    Field("from_incident", "BIGINT", "number that now redirects", "43"),
    Field("into_incident", "BIGINT", "number it redirects to", "42"),
    Field("merged_at", "TIMESTAMPTZ", "when the merge happened, UTC", "2026-11-21 10:00:00+00"),
    Field("reason", "VARCHAR", "why, in words", "a later report ties both"),
    # evidence
    Field("span_rule", "VARCHAR", "rule that fired", "act.deleted"),
    Field("span_field", "VARCHAR", "title or text", "text"),
    Field("span_start", "INTEGER", "first character of the match within the excerpt", "12", "characters"),
    Field("span_end", "INTEGER", "end of the match within the excerpt (exclusive)", "19", "characters"),
    Field("excerpt", "VARCHAR", "short evidence span, as far as the platform's terms allow", "it deleted the folder"),
    # reviews
    Field("review_id", "VARCHAR", "id of the decision", "1f3a9c21"),
    Field("review_of", "VARCHAR", "report or incident decided on", "github:o/r:12"),
    _code("decision", "decision", "what was decided: a field's name, same, not_same, status", "kind"),
    Field("decided_value", "VARCHAR", "the value decided", "second_hand"),
    Field("decided", "VARCHAR[]", "columns of the label that people decided; empty where none", "[kind]"),
    Field("reviewer", "VARCHAR", "who decided, under the short name the reviewer chose for it; published", "ab"),
    _private("review_reason", "VARCHAR", "why, in the reviewer's words", "the log shows it"),
    Field(
        "expected_text_hash",
        "VARCHAR",
        "text the decision was made on; a guard against later edits",
        "2c26b46b68ffc68f…",
    ),
    Field("draw_reason", "VARCHAR", "why it was in the queue", "audit"),
    Field("inclusion_p", "DOUBLE", "probability with which it was drawn", "0.01", "probability"),
    Field("reviewed_at", "TIMESTAMPTZ", "when it was decided, UTC", "2026-11-21 10:00:00+00"),
    Field("undoes", "VARCHAR", "the decision that this one takes back", "1f3a9c20"),
    Field("draw", "VARCHAR", "name of a random audit draw: its day and seed", "2026-11-21/7"),
    Field("stratum", "VARCHAR", "stratum of the draw", "kept, p 0.1-0.5"),
    Field("drawn_at", "TIMESTAMPTZ", "when it was drawn, UTC", "2026-11-21 10:00:00+00"),
    Field("drawn", "BIGINT", "posts drawn from the stratum", "20", "posts"),
    Field("seed", "BIGINT", "seed of the draw", "7"),
    Field("queue_position", "BIGINT", "order in the queue, from 1", "1"),
    _code("question", "question", "what the reviewer is asked", "label"),
    Field("priority", "DOUBLE", "how much an answer would tell; 0 for a random draw", "1.7"),
    Field("queue_reasons", "VARCHAR[]", "why it is in the queue, in words", "[near the threshold]"),
    Field("other_report_id", "VARCHAR", "the other report of a pair", "github:o/r:11"),
    Field("second_reading", "BOOLEAN", "a second reviewer is asked too, to measure agreement", "true"),
    # change of instruments
    Field("panel", "VARCHAR", "name of a frozen panel: its day and seed", "2026-11-21/0"),
    Field("changed_share", "DOUBLE", "share of texts whose strict judgement differs", "0.02", "share"),
    Field("mean_shift", "DOUBLE", "mean change of the probability of a strict positive", "-0.01", "probability"),
    Field("rejudged", "BIGINT", "reports judged by both, the one before and the new one", "5191", "reports"),
    Field("not_rejudged", "BIGINT", "reports whose text is no longer held: they keep the older label", "12", "reports"),
    Field("strict_before", "BIGINT", "strict reports among those judged by both, by the one before", "531", "reports"),
    Field("strict_after", "BIGINT", "strict reports among those judged by both, by the new one", "540", "reports"),
    # runs, coverage, volume
    Field("command", "VARCHAR", "what was run", "run --sample"),
    Field("started_at", "TIMESTAMPTZ", "start, UTC", "2026-11-21 10:00:00+00"),
    Field("finished_at", "TIMESTAMPTZ", "end, UTC", "2026-11-21 10:01:00+00"),
    _code("run_state", "run_state", "how it ended", "done"),
    Field("version", "VARCHAR", "version of Offscript", "0.1.0"),
    Field("queries", "VARCHAR", "version of the queries asked of public sources", "queries-1"),
    Field("counts", "JSON", "counts by step", '{"read": 180}'),
    _private("error", "VARCHAR", "error that ended the run", "disk full"),
    Field("stream", "VARCHAR", "part of the source that has its own cursor: file, query, tag", "sha256:9f86…"),
    _private("position", "VARCHAR", "where reading goes on", "54069"),
    Field("updated_at", "TIMESTAMPTZ", "when it was last moved, UTC", "2026-11-21 10:00:00+00"),
    Field("from_at", "TIMESTAMPTZ", "start of the span, UTC (inclusive)", "2025-10-01"),
    Field("to_at", "TIMESTAMPTZ", "end of the span, UTC (exclusive)", "2026-04-01"),
    _code("coverage", "coverage", "what was read of the span", "unknown"),
    Field("control", "VARCHAR", "control kind counted", "names_an_agent"),
    Field("posts", "BIGINT", "posts counted; none where a span was not drawn to be counted", "1200", "posts"),
    Field("count_method", "VARCHAR", "how the count was made", "count endpoint"),
    # rejects
    Field("file", "VARCHAR", "name of the file", "posts.jsonl"),
    Field("line", "BIGINT", "line in the file, from 1; 0 is the file itself", "17"),
    _code("reject_reason", "reject_reason", "why it was set aside", "not_json"),
    _private("detail", "VARCHAR", "what was wrong, in words", "expected a string for title"),
    Field("bytes", "BIGINT", "length of the line", "120", "bytes"),
    _private("head", "VARCHAR", "the line as read, cut to 64 KiB", '{"id": '),
    # references and policies
    Field("series", "VARCHAR", "published series", "cltr_scheming_in_the_wild"),
    Field("what", "VARCHAR", "what the figure counts", "unique incidents"),
    Field("period_start", "VARCHAR", "start of the period, as published", "2025-10-12"),
    Field("period_end", "VARCHAR", "end of the period, as published", "2026-03-12"),
    Field("value", "DOUBLE", "the figure, as published", "698"),
    Field("value_unit", "VARCHAR", "unit of the figure", "incidents"),
    Field("confidence", "VARCHAR", "primary, secondary or press", "primary"),
    Field("source_url", "VARCHAR", "where it was published", "https://arxiv.org/abs/2604.09104"),
    Field("note", "VARCHAR", "what to know before citing", "X only"),
    Field("study", "VARCHAR", "published study", "peer_preservation_2026"),
    Field("model", "VARCHAR", "model tested", "GPT 5.2"),
    Field("tested_behaviour", "VARCHAR", "behaviour as the study names it", "shutdown_tampering"),
    Field("condition", "VARCHAR", "experimental condition", "good_peer"),
    Field("statistic", "VARCHAR", "mean, max or as reported", "max"),
    Field("rate", "DOUBLE", "published rate", "0.97", "share of runs"),
    Field("platform_name", "VARCHAR", "name in full", "GitHub issues"),
    _code("train", "train", "whether its texts may train models", "unknown"),
    Field("licence", "VARCHAR", "terms under which texts are used", "platform terms; ids and links only"),
    Field("cannot_see", "VARCHAR", "what collecting there cannot see", "deleted issues"),
    # series
    _code("counted", "counted", "what is counted", "incidents"),
    Field("split_by", "VARCHAR", "what the counts are split by: all, behaviour, action, agent, vendor, …", "behaviour"),
    Field("line_name", "VARCHAR", "one value of what is split by", "shutdown_tampering"),
    Field("day", "DATE", "the day, UTC; the first of the month where no day is known", "2026-03-01"),
    Field("to_day", "BOOLEAN", "the date is known to the day", "true"),
    _code("precision", "precision", "how exactly the date is known", "year"),
    _code("per", "per", "length of the period", "month"),
    Field("period", "DATE", "first day of the period, UTC", "2026-03-01"),
    Field("month", "DATE", "first day of the month, UTC; null where the month is not known", "2026-03-01"),
    Field("source", "VARCHAR", "the platform", "github"),
    _code("state", "coverage_state", "what is known of the period's coverage", "measured"),
    Field("hours", "BIGINT", "hours of the day that were both read whole and counted", "24", "hours"),
    Field("volume", "DOUBLE", "posts of the control kind in those hours", "1200", "posts"),
    Field("incidents", "BIGINT", "strict incidents", "3", "incidents"),
    Field("text_days", "INTEGER", "days a text is kept here after it was read; empty: no term", "365", unit="days"),
    # expectations
    Field("expected_series", "VARCHAR", "the weekly series tested", "behaviour shutdown_tampering"),
    Field("expected_n", "DOUBLE", "mean expected from the weeks before", "12.5", "incidents"),
    Field("band_low", "BIGINT", "lower end of the expected band (99 %)", "4", "incidents"),
    Field("band_high", "BIGINT", "upper end of the expected band (99 %)", "24", "incidents"),
    Field("dispersion", "DOUBLE", "variance over mean of the weeks before (Pearson), at least 1", "1.8"),
    Field("p_adjusted", "DOUBLE", "two-sided p after Holm's correction over the series tested together", "0.004"),
    Field("tests", "INTEGER", "series tested together", "14"),
    Field("is_unexpected", "BOOLEAN", "the count left its band after the correction", "true"),
    Field("tested_at", "TIMESTAMPTZ", "when it was tested, UTC", "2026-11-21 10:00:00+00"),
    _private("told_at", "TIMESTAMPTZ", "when the operator was told, UTC", "2026-11-21 10:00:00+00"),
    Field("event_date", "DATE", "day of the event, UTC", "2026-02-23"),
    _code("event_kind", "event_kind", "what kind of event", "viral_post"),
    Field("event_name", "VARCHAR", "what happened, in our words", "a model became available"),
    Field("event_agent", "VARCHAR", "the agent concerned, as labels name it; null if none", "openclaw"),
    # fits
    Field("fit", "VARCHAR", "what was fitted", "growth_quasi_poisson"),
    Field("low", "DOUBLE", "lower end of the 95 % interval; null: none, or no bound", "3.75"),
    Field("high", "DOUBLE", "upper end of the 95 % interval; null: none, or no bound", "6.51"),
    Field("p", "DOUBLE", "p value of no change", "0.003", "probability"),
    Field("method", "VARCHAR", "the procedure, with its source", "exact conditional test"),
    Field("fit_reason", "VARCHAR", "why there is no value", "nobody knows which share of the posts is held"),
    # bookkeeping
    Field("erased", "VARCHAR", "sha256 of a forgotten report's id, or its author's keyed hash", "9f86d081884c7d65…"),
    _code("erased_what", "erased_what", "what was forgotten", "report"),
    Field("erased_at", "TIMESTAMPTZ", "when it was forgotten, UTC", "2026-11-21 10:00:00+00"),
    Field("name", "VARCHAR", "name", "incident"),
    Field("next_value", "BIGINT", "next number to give", "43"),
    Field("migration", "INTEGER", "number of the migration", "1"),
    Field("applied_at", "TIMESTAMPTZ", "when it was applied, UTC", "2026-11-21 10:00:00+00"),
    Field("snapshot", "VARCHAR", "id of the snapshot", "20261121T100000Z-1f3a9c21"),
    Field("published_at", "TIMESTAMPTZ", "when it was published, UTC", "2026-11-21 10:00:00+00"),
    Field("sha256", "VARCHAR", "checksum of the file", "9f86d081884c7d65…"),
    Field(
        "fingerprint",
        "VARCHAR",
        "hash of all published rows; equal rows give an equal fingerprint",
        "5d41402abc4b2a76…",
    ),
    Field(
        "lake_version",
        "BIGINT",
        "version of the DuckLake it was made of; null of a warehouse in one file",
        "1841",
    ),
    Field("step", "VARCHAR", "step of the funnel", "screened"),
    Field("n", "BIGINT", "count", "54069", "rows"),
    Field("step_order", "INTEGER", "position of the step", "2"),
)

FIELDS: Final[dict[str, Field]] = {field.name: field for field in _ALL}
if len(FIELDS) != len(_ALL):
    msg = "a field is declared twice"
    raise ValueError(msg)
