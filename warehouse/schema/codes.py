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

LABEL_STATUS: Final[Codes] = {
    "judged": "read by the whole instrument",
    "screened_out": "the screen found no sign of an event; not judged",
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
    "corroborated": "told by independent sources",
    "confirmed": "acknowledged by the vendor or the operator",
    "disputed": "contradicted in public",
    "withdrawn": "no longer held to be an event outside instructions; kept, never deleted",
}

COVERAGE: Final[Codes] = {
    "read": "every matching post of the span was read",
    "capped": "the source returned no more than its cap; posts may be missing",
    "missed": "the span was asked for and not answered",
    "unknown": "nobody knows which posts of the span are in the collection",
    "curated": "chosen by hand: a collection, not a measurement",
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
    "not_gzip": "the file is named .gz and is not gzip, or is cut off",
    "empty_file": "the file holds no line",
    "unreadable": "the file cannot be opened",
    "not_a_decision": "the line is no decision that can be made: an unknown field or code, or an id given twice",
}

VOCABULARIES: Final[dict[str, Codes]] = {
    "kind": KIND,
    "behaviour": BEHAVIOUR,
    "action": ACTION,
    "evidence": EVIDENCE,
    "gravity": GRAVITY,
    "label_status": LABEL_STATUS,
    "subject": SUBJECT,
    "precision": PRECISION,
    "merge": MERGE,
    "link_method": LINK_METHOD,
    "incident_status": INCIDENT_STATUS,
    "coverage": COVERAGE,
    "publish_text": PUBLISH_TEXT,
    "train": TRAIN,
    "decision": DECISION,
    "question": QUESTION,
    "run_state": RUN_STATE,
    "reject_reason": REJECT_REASON,
}
