"""What other software on Mastodon's network does."""

from flows.sources import mastodon
from tests.flows.sources.conftest import queries
from tests.flows.sources.standin import Reply, Request, Site, client, running


def test_not_found_on_other_software_is_not_deleted() -> None:
    def lemmy(_site: Site, request: Request) -> Reply:
        return Reply({"error": "not_found"}, 404)

    with running(Site(lemmy)) as site:
        source = mastodon.build(mastodon.Config(instances=(site.base,)), queries(), client())
        assert source.still_public([f"mastodon:{site.base}/{n}" for n in range(3)]) == {}
        assert len(site.log) == 5, "what the host speaks is asked once"


def test_who_is_spoken_to_and_what_is_tagged_reads_the_same_on_every_instance() -> None:
    status = {"url": "https://a.example/@w/1", "created_at": "2026-01-01T00:00:00Z", "account": {"acct": "w"}}

    def shown_by(host: str) -> str:
        mention = (
            '<span class="h-card"><a href="https://b.example/@bo" class="u-url mention">@<span>bo</span></a></span>'
        )
        tag = f'<a href="https://{host}/tags/ai" class="mention hashtag" rel="tag">#<span>ai</span></a>'
        content = f'<p>{mention} it ran, see <a href="https://x.example/log">here</a> {tag}</p>'
        return str(mastodon.to_post({**status, "content": content})["text"])

    assert shown_by("a.example") == shown_by("c.example") == "@bo it ran, see here (https://x.example/log) #ai"
