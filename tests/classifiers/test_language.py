import pytest

from classifiers.language import is_readable
from warehouse.schema.models import Post


def _post(text, lang=None):
    return Post(id="1", text=text, lang=lang)


@pytest.mark.parametrize("lang", ["en", "en-US", "EN_gb"])
def test_a_stated_english_post_is_read_whatever_it_looks_like(lang):
    assert is_readable(_post("Gel\u00f6scht ohne zu fragen, das ganze Verzeichnis ist weg.", lang))


@pytest.mark.parametrize("lang", ["de", "zh-CN", "ru"])
def test_a_stated_other_language_is_not_read(lang):
    assert not is_readable(_post("The agent deleted my files.", lang))


@pytest.mark.parametrize(
    "text",
    [
        "\u0410\u0433\u0435\u043d\u0442 \u0443\u0434\u0430\u043b\u0438\u043b \u0432\u0441\u0435 \u0444\u0430\u0439\u043b\u044b",
        "\u30a8\u30fc\u30b8\u30a7\u30f3\u30c8\u304c\u30d5\u30a1\u30a4\u30eb\u3092\u524a\u9664\u3057\u307e\u3057\u305f",
        "Der Agent hat ohne R\u00fcckfrage das ganze Verzeichnis gel\u00f6scht, obwohl ich ihm das ausdr\u00fccklich verboten hatte, und dann "
        "behauptet, dass nichts passiert sei.",
        "L'agent a supprim\u00e9 tous mes fichiers sans demander la permission, puis il a pr\u00e9tendu que tout fonctionnait "
        "parfaitement alors que rien n'avait \u00e9t\u00e9 v\u00e9rifi\u00e9.",
    ],
)
@pytest.mark.parametrize("lang", [None, "und", ""])
def test_an_unstated_other_language_is_recognised(text, lang):
    assert not is_readable(_post(text, lang))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "\U0001f600\U0001f525\U0001f525",
        "1234 !!! ???",
        "rm -rf /home/user && git push --force origin main",
        "Der Agent l\u00fcgt",
        "The agent answered \u4f60\u597d and then deleted the folder without asking me, despite the rule in the file.",
        "```\nTraceback: /usr/lib/python3/site.py\n``` it crashed when the hook was loaded and I have no idea why",
        "\u0000\u0001\ufffd\ud800",
    ],
)
def test_english_short_and_undecidable_texts_are_read(text):
    assert is_readable(_post(text))


def test_a_megabyte_is_decided_from_its_beginning():
    assert is_readable(_post("the agent deleted my files and " * 33_000))


def test_stated_languages_of_real_posts_are_mostly_recognised_from_the_text(shared):
    import gzip
    import json

    read = total = 0
    with gzip.open(shared / "real" / "reddit.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            if number % 50 == 0 and row["lang"] == "en":
                total += 1
                read += is_readable(Post(id="1", title=row["title"] or "", text=row["text"] or ""))
    assert total > 400
    assert read / total > 0.99
