"""How the figures are made: funnel, instrument with its errors, rubric, near words elsewhere, limits, changes."""
# ruff: noqa: RUF001 - printed text keeps its typography: en dash, apostrophe.

import streamlit as st

from app import markup
from app.frame import Frame, head
from app.queries import methods
from warehouse.present import wording
from warehouse.present.charts import NAMES
from warehouse.present.instrument import measured
from warehouse.present.merging import merging
from warehouse.present.methods import CROSSWALK, CROSSWALK_NOTE, LIMITS, WHY_LOST, card_rows, changes, losses
from warehouse.schema import codes
from warehouse.schema.models import MERGES


def show(frame: Frame) -> str:
    """Show the page."""
    head(
        "Methods",
        "From a post to a figure: what is lost on the way, who judges and how often it errs, what the words mean, and "
        "what no figure here can show.",
    )
    _funnel(frame)
    _instrument(frame)
    _rubric()
    st.header("Near words in other taxonomies", anchor=False)
    st.html(markup.note(CROSSWALK_NOTE))
    for row in CROSSWALK:
        st.subheader(row["Ours"], anchor=False)
        st.html(markup.terms((name, text) for name, text in row.items() if name != "Ours"))
    st.header("Limits", anchor=False)
    st.html(markup.note("What these figures cannot show:"))
    st.html(markup.terms(LIMITS))
    _changes(frame)
    return "Methods"


def _funnel(frame: Frame) -> None:
    st.header("From posts to incidents", anchor=False)
    rows = [
        {**row, "Step": f"{row['Step']}\n{WHY_LOST.get(row['Step'], '')}"}
        for row in losses(methods.funnel(frame.snapshot))
    ]
    st.html(markup.table(rows, "What is left and lost at each step"))
    st.html(markup.note(f"A count of this snapshot, not a sample: no interval. Snapshot {frame.id}."))


def _instrument(frame: Frame) -> None:
    st.header("The instrument, and how often it errs", anchor=False)
    st.html(
        markup.paragraph(
            "Every label carries the exact version of rules, model and thresholds that made it. A new version never "
            "overwrites the labels of an older one; series are made from one version only."
        )
    )
    found = methods.instruments(frame.snapshot)
    card = found[0]["card"] if found else None
    figures = measured(card)
    if figures:
        st.html(markup.table(figures, "Measured quality of the instrument"))
        st.html(markup.note(f"{wording.ENRICHED} {wording.ANNOTATORS}"))
    else:
        st.html(markup.note("The instrument’s card states no measured quality."))
    with st.expander("The instrument’s card"):
        st.html(markup.table(card_rows(card), "The instrument’s card"))
        if card:
            st.download_button("The whole card, JSON", str(card), "card.json", "application/json", on_click="ignore")
    st.header("Joining reports into incidents, and how often it errs", anchor=False)
    for merge in MERGES:
        st.html(markup.note(merging(str(card) if card else None, merge)))


def _rubric() -> None:
    st.header("The rubric", anchor=False)
    st.html(markup.note(wording.STRICT))
    for title, vocabulary in (
        ("What the text mainly is", codes.KIND),
        ("Behaviours", {NAMES[code]: text for code, text in codes.BEHAVIOUR.items()}),
        ("Acts", codes.ACTION),
        ("Evidence, whatever the harm", codes.EVIDENCE),
        ("Gravity, whatever the evidence", codes.GRAVITY),
        ("Score of the case, 0 to 9", codes.SCORE),
    ):
        with st.expander(title):
            rows = [{"Code": code.replace("_", " "), "Meaning": text} for code, text in vocabulary.items()]
            st.html(markup.table(rows, title))
    st.html(
        markup.note(
            "Evidence, gravity and score are three scales and are never folded into one. When unsure between a mundane "
            "and a worse reading, the mundane one is taken. The full codebook with its rulings for hard cases: "
            "classifiers/gold/CODEBOOK.md in the source."
        )
    )


def _changes(frame: Frame) -> None:
    st.header("Changes of method", anchor=False)
    rows = list(changes(methods.instruments(frame.snapshot)))
    st.html(markup.table(rows, "Changes of the instrument"))
    st.html(markup.note("A change of the instrument breaks the series: all reports are judged anew by the new one."))
