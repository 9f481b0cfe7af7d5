from flows.queries import Grammar, any_of, crossed, load_queries


def test_the_shipped_file_is_whole() -> None:
    queries = load_queries()
    assert queries.version.startswith("queries-")
    assert set(queries.controls) == {"names_an_agent", "discusses_scheming", "negative_ai_talk"}
    assert all(url.startswith("https://") for url in queries.feeds.values())
    vendors = {tracker.split("/")[0].lower() for tracker in queries.trackers}
    assert len(vendors) >= 12, "the trackers span vendors, so that one vendor's openness is not its guilt"
    assert len(set(queries.trackers)) == len(queries.trackers)


def test_every_agent_meets_every_act_in_queries_short_enough() -> None:
    queries = load_queries()
    grammar = Grammar(longest=500)
    built = crossed(queries.agents, (*queries.acts, *queries.reactions), grammar)
    assert all(len(query) <= 500 for query in built)
    for agent in queries.agents:
        for act in queries.acts:
            assert any(
                any_of((agent,), grammar)[1:-1] in query and any_of((act,), grammar)[1:-1] in query for query in built
            )


def test_a_term_added_at_the_end_leaves_the_other_queries_alone() -> None:
    grammar = Grammar(longest=120)
    before = crossed(("a b", "c d"), ("deleted", "wiped the disk", "gone rogue"), grammar)
    after = crossed(("a b", "c d"), ("deleted", "wiped the disk", "gone rogue", "x" * 30), grammar)
    assert before[:-1] == after[: len(before) - 1]
