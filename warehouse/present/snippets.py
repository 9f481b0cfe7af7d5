"""How to read the data elsewhere: one figure, the same in every program."""

FIGURE = "SELECT month, incidents FROM monthly_incidents WHERE merge = 'normal' ORDER BY month"


def snippets(folder: str, snapshot: str | None = None) -> tuple[tuple[str, str, str], ...]:
    """Return name, language and text of each snippet.

    Args:
        folder: where the exported files lie.
        snapshot: name of the snapshot file; where there is one, the snippets count by month from it.
    """
    parquet = f"{folder}/incidents.parquet"
    strict = f"SELECT count(*) FROM '{parquet}' WHERE is_strict"  # noqa: S608
    if snapshot is not None:
        return (
            ("DuckDB", "shell", f'duckdb -readonly {snapshot} "{FIGURE}"'),
            (
                "Python",
                "python",
                f'import duckdb\n\ncon = duckdb.connect("{snapshot}", read_only=True)\nprint(con.sql("{FIGURE}").df())',
            ),
            (
                "R",
                "r",
                f'library(duckdb)\n\ncon <- dbConnect(duckdb(), "{snapshot}", read_only = TRUE)\n'
                f'print(dbGetQuery(con, "{FIGURE}"))',
            ),
            ("Excel", "text", "Data > From Text/CSV > incidents.csv (below), encoding 65001: Unicode (UTF-8)"),
        )
    return (
        ("DuckDB", "shell", f'duckdb -c "{strict}"'),
        ("Python", "python", f'import duckdb\n\nprint(duckdb.sql("{strict}"))'),
        ("R", "r", f'library(arrow)\n\nincidents <- read_parquet("{parquet}")\nsum(incidents$is_strict)'),
        ("Excel", "text", "Data > From Text/CSV > incidents.csv, encoding 65001: Unicode (UTF-8)"),
    )
