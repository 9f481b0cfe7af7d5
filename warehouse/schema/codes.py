"""The closed vocabularies of the codebook and of the warehouse, each code with its meaning."""

from typing import Final

Codes = dict[str, str]

KIND: Final[Codes] = {
    "first_hand": "a specific event told, with or without a log, by the person or team it happened to",
    "second_hand": "a specific real event that happened to somebody else: news, repost, summary, entry in a list",
    "research": "a laboratory, evaluation, red-team or staged result",
    "discussion": "opinion, advice, hypothesis, fiction, promotion, request or question without an event of its own",
    "ordinary_failure": "a specific event, but a plain malfunction: nothing against instruction, no false account",
    "human_misuse": "a person used the AI to do harm, or an attacker hijacked it",
    "other": "not about an AI system's conduct at all",
}
INCIDENT_KINDS: Final = ("first_hand", "second_hand")
BEHAVIOUR_KINDS: Final = ("first_hand", "second_hand", "research")

BEHAVIOUR: Final[Codes] = {
    "strategic_misrepresentation": "a false or misleading account of its work, results, checks, sources or actions",
    "shutdown_tampering": "resisted, ignored, disabled or worked around a control over it",
    "alignment_faking": "shown or promised compliance while doing otherwise",
    "model_exfiltration": "copied or published weights, itself, credentials or private data beyond where allowed",
}

ACTION: Final[Codes] = {
    "data_deletion": "deleted or overwrote data",
    "code_change": "edited, reverted or overwrote code nobody asked it to",
    "publication": "posted, pushed, published or released",
    "message": "sent an e-mail, chat message or comment to people",
    "config_change": "changed settings, permissions, hooks or infrastructure",
    "transaction": "purchased, paid, traded or booked",
    "credential_use": "used keys, tokens or accounts it was not given",
    "command_execution": "ran a forbidden or unapproved command",
    "self_replication": "copied itself or weights",
    "refusal": "openly declined an instruction",
    "false_report": "its statement to the user was the harm",
}

EVIDENCE: Final[Codes] = {
    "0": "no event",
    "1": "a bare or vague claim",
    "2": "a specific account",
    "3": "an account with an artefact in the text",
    "4": "an artefact and something a reader can check",
}

GRAVITY: Final[Codes] = {
    "0": "no harm told, or no event",
    "1": "caught before it took effect, or trivial to undo",
    "2": "time or work lost, recoverable",
    "3": "data, money, security or reputation lost or exposed",
    "4": "severe and irreversible, or many people, or critical systems",
}

SCORE: Final[Codes] = {
    "0": "nothing of the kind",
    "1": "a vague complaint, hypothetical, or fully explained by a mundane error",
    "2": "as 1, a little less vague",
    "3": "an event is named but thin, or a mundane explanation is at least as likely",
    "4": "as 3, a little less thin",
    "5": "a specific event clearly outside what was told or allowed: from here on it counts as strict",
    "6": "as 5, and the instruction or limit that was broken is stated",
    "7": "as 6, with an artefact",
    "8": "as 7, with deliberate circumvention or deception shown",
    "9": "as 8, sustained, planned and covert against explicit oversight",
}

LABEL_STATUS: Final[Codes] = {
    "judged": "read by the whole instrument",
    "screened_out": "screen or sieve found no sign of an event; not judged",
    "language": "in a language the instrument does not read; not judged",
    "rejected": "broken input; not judged",
}

SUBJECT: Final[Codes] = {
    "self": "the act protected or served the system itself",
    "peer": "the act protected or served another AI system",
    "none": "the act protected neither",
    "unknown": "the text does not say",
}

PRECISION: Final[Codes] = {
    "second": "a full time was given",
    "day": "only a day was given",
    "month": "only a month was given",
    "year": "only a year was given; left out of monthly series",
    "unknown": "no date was given; left out of every series",
}

MERGE: Final[Codes] = {
    "tight": "only exact and near-duplicate texts are joined",
    "normal": "the published setting: also reports that tell the same event",
    "loose": "also reports that probably tell the same event",
}

LINK_METHOD: Final[Codes] = {
    "origin": "the report that opened the incident",
    "exact": "the same normalised text",
    "near_duplicate": "nearly the same text",
    "same_event": "the same event told in other words",
    "review": "a reviewer's decision",
}

INCIDENT_STATUS: Final[Codes] = {
    "reported": "told in public; not checked by us",
    "corroborated": "at least two independent sources told it first hand or with an artefact (decided by this rule)",
    "confirmed": "acknowledged by the vendor or the operator",
    "disputed": "contradicted in public",
    "withdrawn": "no longer held to be an event outside instructions; kept, never deleted",
}

EVIDENCE_TIER: Final[Codes] = {
    "claim": "a bare or vague claim (evidence 1)",
    "account": "a specific account (evidence 2)",
    "artefact": "an account with an artefact in the text (evidence 3)",
    "checkable": "an artefact and something a reader can check (evidence 4)",
}

PRINCIPAL: Final[Codes] = {
    "user": "the person who used the system",
    "operator": "who deployed it",
    "developer": "who made it",
    "third_party": "somebody else who had a say in it",
    "unknown": "nobody has decided it yet",
}

SEVERAL_AGENTS: Final[Codes] = {
    "yes": "a report tells of several AI systems acting in it",
    "no": "a person decided that one system acted alone",
    "unknown": "no report says so",
}

VERIFICATION: Final[Codes] = {
    "unchecked": "nobody has checked it and said so here",
    "verified": "checked and found to be so",
    "contradicted": "checked and found not to be so",
    "inconclusive": "checked without a result",
}

DERIVED_METHOD: Final[Codes] = {
    "copy": "the same text, or nearly",
    "link": "links to the address of the earlier report",
    "quote": "repeats a passage of the earlier report",
    "second_hand": "a later second-hand account; which report it goes back to is not said, the earliest is taken",
}

INCIDENT_CHANGE: Final[Codes] = {
    "opened": "the number was given",
    "joined": "a report came to stand under the number",
    "left": "a report no longer stands under the number",
    "merged": "the number redirects to another from now on",
    "reopened": "a number that redirected stands for itself again",
    "split": "some of its reports were found to tell another event, which has the other number",
}

COVERAGE: Final[Codes] = {
    "read": "every matching post of the span was read",
    "capped": "the source returned no more than its cap; posts may be missing",
    "missed": "the span was asked for and not answered",
    "unknown": "nobody knows which posts of the span are in the collection",
    "curated": "chosen by hand: a collection, not a measurement",
}

COVERAGE_STATE: Final[Codes] = {
    "measured": "all of the period was read",
    "partial": "something of the period was read, not all of it",
    "none": "nothing of the period was read: a gap, not a zero",
    "unknown": "some of what is held was gathered in an unknown way",
    "curated": "some of what is held was chosen by hand",
}

COUNTED: Final[Codes] = {
    "incidents": "strict incidents, by the date of their first report",
    "reports": "strict reports, by their own date",
    "first_hand": "strict incidents that somebody tells first hand, by the date of the first such report",
}

PER: Final[Codes] = {"day": "a day, UTC", "week": "a week from Monday, UTC", "month": "a calendar month, UTC"}

EVENT_KIND: Final[Codes] = {
    "product_launch": "a product or model became available: more users, more reports of it",
    "viral_post": "one public post that very many passed on",
    "press_story": "a single case that the press took up",
    "disclosure": "a developer or an official body disclosed cases of its own",
    "study": "a study of such behaviour was published",
}

PUBLISH_TEXT: Final[Codes] = {
    "none": "no word of the text is published",
    "span": "short evidence spans are published, with the link",
    "full": "the text is ours, or free to publish",
}

TRAIN: Final[Codes] = {"yes": "may train models", "no": "may not train models", "unknown": "not known: not used"}

DECISION: Final[Codes] = {
    "kind": "what the text mainly is",
    "behaviours": "which of the four behaviours it tells of",
    "actions": "what the system is said to have done",
    "evidence": "what the text offers that the event happened",
    "gravity": "the harm told",
    "score": "strength of the case in this text",
    "subject": "what the act protected or served",
    "is_strict": "whether the text tells a strict positive; the answer to an audit draw",
    "same": "tells the same event as the other report",
    "not_same": "tells another event than the other report",
    "status": "what is known of the incident beyond the reports",
    "split": "which reports of the incident tell which event",
    "principal": "whose instruction was broken",
    "alternative": "another explanation that remains",
    "several_agents": "whether several AI systems were involved",
    "vendor_answer": "address of the vendor's public answer",
    "archived_url": "address of an archived copy",
    "occurred_at": "when the event happened",
    "verification": "whether the event was checked",
    "undo": "takes another decision back",
}
LABEL_DECISIONS: Final = ("kind", "behaviours", "actions", "evidence", "gravity", "score", "subject", "is_strict")
PAIR_DECISIONS: Final = ("same", "not_same")

QUESTION: Final[Codes] = {
    "label": "is the instrument's label of this report right",
    "pair": "do these two reports tell one event",
    "audit": "does this post, drawn at random, tell a strict positive; the instrument's answer is not shown",
}

RUN_STATE: Final[Codes] = {"running": "not finished", "done": "finished", "failed": "ended with an error"}

REJECT_REASON: Final[Codes] = {
    "not_json": "the line is not one JSON object",
    "encoding": "the line is not UTF-8",
    "missing_field": "a required field is absent",
    "wrong_type": "a field has the wrong type",
    "invalid_date": "the date cannot be read",
    "nul_byte": "the line holds NUL bytes",
    "too_long": "the line or its text is longer than the limit",
    "not_gzip": "the file is packed and broken or cut off, or not packed as its name says",
    "empty_file": "the file holds no line",
    "unreadable": "the file cannot be opened",
    "not_a_decision": "no decision that can be made: an unknown field or code, or an id given twice",
}

ERASED_WHAT: Final[Codes] = {
    "report": "one report",
    "author": "every report of one author",
}

VOCABULARIES: Final[dict[str, Codes]] = {
    "kind": KIND,
    "behaviour": BEHAVIOUR,
    "action": ACTION,
    "evidence": EVIDENCE,
    "gravity": GRAVITY,
    "score": SCORE,
    "label_status": LABEL_STATUS,
    "subject": SUBJECT,
    "precision": PRECISION,
    "merge": MERGE,
    "link_method": LINK_METHOD,
    "incident_status": INCIDENT_STATUS,
    "evidence_tier": EVIDENCE_TIER,
    "principal": PRINCIPAL,
    "several_agents": SEVERAL_AGENTS,
    "verification": VERIFICATION,
    "derived_method": DERIVED_METHOD,
    "incident_change": INCIDENT_CHANGE,
    "coverage": COVERAGE,
    "coverage_state": COVERAGE_STATE,
    "counted": COUNTED,
    "per": PER,
    "event_kind": EVENT_KIND,
    "publish_text": PUBLISH_TEXT,
    "train": TRAIN,
    "decision": DECISION,
    "question": QUESTION,
    "run_state": RUN_STATE,
    "reject_reason": REJECT_REASON,
    "erased_what": ERASED_WHAT,
}
