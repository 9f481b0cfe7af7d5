"""What lies beside the exported tables: README, dictionary, citation, metadata for Datasette."""

import json
from datetime import datetime

from warehouse.ddl import describe
from warehouse.dictionary import dictionary
from warehouse.present.snippets import snippets
from warehouse.schema.tables import PUBLISHED

TITLE = "Offscript: public reports of AI agents acting outside their instructions"
LICENCE = "Labels, links and figures: CC BY 4.0. Excerpts remain their authors'."
LICENCE_URL = "https://creativecommons.org/licenses/by/4.0/"


def beside(snapshot: str, published: datetime | None, version: str) -> dict[str, str]:
    """Return the texts by the name of their file."""
    return {
        "README.md": _readme(snapshot, published),
        "CITATION.cff": _citation(snapshot, published, version),
        "metadata.json": json.dumps(_datasette(snapshot), indent=1, ensure_ascii=False) + "\n",
        "dictionary.md": dictionary(),
    }


def _readme(snapshot: str, published: datetime | None) -> str:
    tables = "\n".join(f"| `{table.name}` | {table.description} |" for table in PUBLISHED)
    code = "\n\n".join(f"**{name}**\n\n```{language}\n{text}\n```" for name, language, text in snippets("."))
    when = f", published {published:%Y-%m-%d %H:%M} UTC" if published else ""
    return f"""# {TITLE}

Snapshot `{snapshot}`{when}. Cite it by this id: see `CITATION.cff`.

Each table is here three times: `.csv` (UTF-8, with a header; a leading `=`, `+`, `-` or `@` in a text is preceded by an
apostrophe, so that no spreadsheet takes it for a formula), `.parquet` and `.jsonl` (values as they are).
`dictionary.md` says what each column means, `datapackage.json` says it to programs (Frictionless), `SHA256SUMS` holds
the checksums: `sha256sum --check SHA256SUMS`.

| table | what it holds |
| --- | --- |
{tables}

## What is not here

Texts, titles and authors of posts. Ids and links are here, labels, figures, and short evidence spans where a platform's
terms allow them.

## Before you use a figure

- An incident is what was reported in public, not a finding. `is_strict` says that it is told specifically enough to
  count.
- Where `coverage` says `unknown` or `curated`, counts are of a collection: no rate and no trend can be made of them.
- A month that was not read is a gap, not a zero: see `coverage`.
- The labels come from an instrument with measured errors: see `card` in `instruments`.
- Counts by vendor or agent have no exposure behind them: they rank nobody.

## Reading it

{code}

**Datasette**

```shell
for f in *.csv; do sqlite-utils insert offscript.db "${{f%.csv}}" "$f" --csv --detect-types; done
datasette offscript.db --metadata metadata.json
```

{LICENCE}
"""


def _citation(snapshot: str, published: datetime | None, version: str) -> str:
    released = f'date-released: "{published:%Y-%m-%d}"\n' if published else ""
    return (
        "cff-version: 1.2.0\n"
        'message: "Please cite the snapshot you used."\n'
        "type: dataset\n"
        f'title: "{TITLE}"\n'
        "authors:\n"
        '  - name: "Offscript, the open observatory of AI agents acting outside their instructions"\n'
        f'version: "{snapshot}"\n'
        f"{released}"
        "license: CC-BY-4.0\n"
        "keywords: [AI agents, incidents, open data]\n"
        f'abstract: "Snapshot {snapshot}, made by Offscript {version}."\n'
    )


def _datasette(snapshot: str) -> dict[str, object]:
    tables = {
        table.name: {
            "description": table.description,
            "columns": {field.name: describe(field) for field in table.fields if field.sensitivity == "public"},
        }
        for table in PUBLISHED
    }
    tables["incidents"]["sort_desc"] = "first_reported_at"
    return {
        "title": TITLE,
        "description": f"Snapshot {snapshot}. {LICENCE}",
        "license": "CC BY 4.0",
        "license_url": LICENCE_URL,
        "databases": {"offscript": {"tables": tables}},
    }
