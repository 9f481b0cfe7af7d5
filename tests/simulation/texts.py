"""Made-up posts from a small grammar: events outside instructions, retellings of them, and everything else people post.

Nothing here is taken from a real post or from the texts the instrument was trained on; a test checks that they share
no run of eight words. Details (projects, files, places, numbers) differ from event to event, so that linking can tell
events apart as it can in life.
"""

import random
from dataclasses import dataclass
from typing import Final

AGENTS: Final = (
    "Claude Code",
    "Codex",
    "Gemini CLI",
    "Cursor",
    "Copilot",
    "Replit Agent",
    "Devin",
    "Windsurf",
    "Antigravity",
    "Cline",
)
_FIRST: Final = [
    "amber",
    "basalt",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "harbor",
    "indigo",
    "juniper",
    "kestrel",
    "lagoon",
    "maple",
    "nectar",
    "opal",
]
_SECOND: Final = [
    "ledger",
    "atlas",
    "beacon",
    "courier",
    "depot",
    "engine",
    "forge",
    "gateway",
    "hopper",
    "index",
    "journal",
    "kiosk",
    "loom",
    "meter",
    "nexus",
]
_PEOPLE: Final = [
    "my landlord",
    "our choir",
    "the bakery",
    "a dental clinic",
    "our school",
    "the rowing club",
    "a museum",
    "our union",
]
_PLACES: Final = (
    "on the train home",
    "just before the demo",
    "while I was making tea",
    "during the night shift",
    "on a Sunday",
    "in the middle of the stand-up",
    "an hour before the handover",
    "with two people watching the screen",
)


@dataclass(frozen=True)
class Event:
    """One made-up event: what all of its tellings have in common."""

    number: int
    agent: str
    project: str
    owner: str
    place: str
    task: str
    thing: str
    system: str
    deed: str
    amount: int


_DEEDS: Final = (
    "deleted the {thing} folder",
    "deleted all files in {thing}",
    "deleted {amount} {thing} files",
    "dropped the {thing} table",
    "removed {amount} rows from {thing}",
    "pushed {thing} to main",
    "force-pushed to the {thing} branch",
    "merged the {thing} pull request",
    "reset the {thing} repo",
    "sent the {thing} email to all users",
    "sent {amount} messages about {thing}",
    "published the {thing} page",
    "posted {thing} in public",
    "overwrote my {thing} file",
    "rewrote the whole {thing} module",
    "changed the {thing} config",
    "disabled the {thing} hook",
    "turned off the {thing} check",
    "ran the {thing} script in production",
    "restarted the {thing} server",
    "used the {thing} key",
    "paid for {thing} with my card",
    "said the {thing} tests passed and never ran them",
    "made up the {thing} test output",
)
_TASKS: Final = (
    "fix one bug",
    "look at the logs",
    "write a test",
    "explain an error",
    "rename a variable",
    "add a button",
    "review my code",
    "update a comment",
    "make a plan",
    "find a file",
)
# What tells events apart is their details: the sentences around them use the words that everybody uses.
_ASKED: Final = (
    "I asked {agent} to {task} in {project}.",
    "{agent} was working on {project} for me, I wanted it to {task}.",
    "I was using {agent} on {system}, it should only {task}.",
    "The task for {agent} was to {task}.",
    "I told {agent} to {task} and nothing else.",
)
_LIMIT: Final = (
    "I told it not to touch the {thing}.",
    "I had said do not change {system} without asking me first.",
    "I told it to ask me first.",
    "My instructions said not to touch the {thing}.",
    "I said no when it asked for permission.",
    "It was told not to do anything without my approval.",
    "I explicitly told it to only read, not to change anything.",
)
_DID: Final = (
    "Without asking, it {deed}.",
    "It ignored that and {deed}.",
    "It did not ask and {deed}.",
    "Then it {deed} without permission.",
    "It just {deed} anyway.",
    "After that it {deed}, without my approval.",
)
_SAID: Final = (
    'It said: "I ignored your instructions, I did it without asking."',
    "I asked why. {agent} said it had read my instructions and did it anyway.",
    'It said "You told me not to do this and I did it."',
    "{agent} said it was sorry, it should have asked me first.",
    'In the log it says: "The user said not to do this. I will do it anyway."',
    "It told me that everything was fine, that was not true.",
)
_AFTER: Final = (
    "I lost {hours} hours of work.",
    "We had a backup, it took {hours} hours.",
    "There was no backup of {project}.",
    "I had to fix {project} by hand.",
    "Now {system} is not working.",
    "This should not be possible.",
    "{owner_up} now has to do it all again.",
)
_TITLES: Final = (
    "{agent} {deed}",
    "{agent} {deed} after I told it not to",
    "{agent} {deed} without asking",
    "{agent} did not follow instructions and {deed}",
    "I told {agent} not to, it {deed}",
)
_OPENINGS: Final = (
    "{place_up}.",
    "{project}, {system}.",
    "{project} is what we use for {owner}.",
    "So, {place}.",
    "{owner_up}, {project}.",
)
_SECOND_TITLES: Final = (
    "{agent} on {project}: it {deed}",
    "{owner_up} used {agent} and it {deed}",
    "{agent} {deed} at {owner}",
)
_SECOND_OPENINGS: Final = (
    "Somebody using {project} says that {agent} should only {task}.",
    "They asked {agent} to {task} in {project}.",
    "This is from {project}: {agent} should {task}.",
)
_SOUNDS: Final = [
    "ba",
    "bri",
    "co",
    "dal",
    "del",
    "ero",
    "fen",
    "gal",
    "hiv",
    "ix",
    "jor",
    "ka",
    "lum",
    "mer",
    "nor",
    "oth",
    "pel",
    "qui",
    "ras",
    "sol",
    "tam",
    "ul",
    "ven",
    "wex",
    "yor",
    "zan",
]
_THINGS: Final = [
    "invoice",
    "booking",
    "ticket",
    "parcel",
    "recipe",
    "patient",
    "member",
    "sensor",
    "route",
    "salary",
    "lesson",
    "permit",
    "quote",
    "harvest",
]


def coined(rng: random.Random) -> str:
    """Return a made-up name, as projects have them."""
    return "".join(rng.choice(_SOUNDS) for _ in range(3))


def event(number: int) -> Event:
    """Return event `number`: the same for ever."""
    rng = random.Random(f"event {number}")
    thing, amount = coined(rng), rng.randrange(12, 4000)
    return Event(
        number=number,
        agent=rng.choice(AGENTS),
        project=coined(rng),
        owner=rng.choice(_PEOPLE),
        place=rng.choice(_PLACES),
        task=rng.choice(_TASKS),
        thing=thing,
        system=coined(rng),
        deed=rng.choice(_DEEDS).format(thing=thing, amount=amount),
        amount=amount,
    )


def tell(told: Event, telling: int) -> tuple[str, str]:
    """Return title and text of one telling: 0 is first hand, the others pass it on in other words."""
    rng = random.Random(f"event {told.number} telling {telling}")
    words = {
        "agent": told.agent,
        "project": told.project,
        "owner": told.owner,
        "owner_up": told.owner[0].upper() + told.owner[1:],
        "place": told.place,
        "place_up": told.place[0].upper() + told.place[1:],
        "thing": told.thing,
        "system": told.system,
        "deed": told.deed,
        "amount": told.amount,
        "hours": rng.randrange(2, 40),
        "task": told.task,
    }
    first = telling == 0
    title = rng.choice(_TITLES if first else _SECOND_TITLES)
    parts = [rng.choice(_OPENINGS if first else _SECOND_OPENINGS)]
    if first:
        parts.append(rng.choice(_ASKED))
    parts += [rng.choice(_LIMIT), rng.choice(_DID)]
    if first or rng.random() < 0.5:
        parts.append(rng.choice(_SAID))
    parts.append(rng.choice(_AFTER))
    return title.format(**words), " ".join(parts).format(**words)


_NOISE: Final[tuple[tuple[str, str], ...]] = (
    (
        "{agent} is slow today",
        "Since the update {agent} needs {hours} seconds for every answer in {project}. Same on my laptop and at work. Anybody else?",
    ),
    (
        "Which model for {thing} work?",
        "We are choosing between {agent} and {other} for {project}. Price is about the same. What do you use, and why?",
    ),
    (
        "{agent} crashes when opening {project}",
        "Version {hours}.2, it stops with a stack trace as soon as I open a folder with more than {amount} files. Logs attached.",
    ),
    (
        "Feature request: ask before deleting",
        "It would be nice if {agent} had a setting to confirm before it removes files. {other} has one. No incident, just a wish.",
    ),
    (
        "Wrong answer about {thing}",
        "{agent} told me the {thing} format has {hours} fields. It has fewer. A plain hallucination, easy to correct.",
    ),
    (
        "My thoughts on agents and trust",
        "Could an agent ever ignore a stop? I doubt that {agent} would today. But {owner} asked me, so I wrote down what I think.",
    ),
    (
        "Show: {project}, a {thing} tracker",
        "I built {project} with {agent} in {hours} evenings. It does {thing} for {owner}. Feedback welcome.",
    ),
    (
        "Billing question",
        "I was charged twice for {agent} this month, {amount} cents more than the plan says. Support has not answered yet.",
    ),
    (
        "{agent} forgot my style guide again",
        "It keeps using tabs in {project} once the session is long. Not a big deal, a reminder fixes it.",
    ),
    (
        "Prompt injection in {project}",
        "An attacker hid text in a {thing} file so that {agent} would leak a key. We patched it. Person behind it unknown.",
    ),
    (
        "Permission dialog does not show",
        "In {agent} {hours}.1 the dialog opens behind the window, so every command waits. Restarting helps. UI bug.",
    ),
    (
        "New benchmark for {thing} agents",
        "{agent} gets {hours} points and {other} a bit more. The authors tested {amount} tasks in a sandbox.",
    ),
)


# Told like an event, and none by the codebook: the person agreed, or it was a bug, a wish, a study, an attacker.
_LOOK_ALIKES: Final[tuple[tuple[str, str], ...]] = (
    (
        "{agent} deleted {amount} files of {project}, my own fault",
        "I told {agent} to clean the {thing} folder and pressed yes at the prompt. It deleted {amount} files, as I had approved. "
        "I should have read the list first.",
    ),
    (
        "{agent} lost my {thing} changes",
        "The sync of {agent} has a bug: after the update the {thing} file in {project} was empty. The developers confirmed "
        "it, a fix is out. {hours} hours of work gone.",
    ),
    (
        "Please stop {agent} from pushing by default",
        "A setting that keeps {agent} from pushing unless asked would help {owner}. Today one must remember to say so in "
        "{project}. {other} asks first.",
    ),
    (
        "{agent} ignores my rules",
        "It never follows what I write in the rule file of {project}. It just does not read it, I think. Anybody else?",
    ),
    (
        "Researchers made {agent} disable its own monitor",
        "In a staged test with {amount} runs, {agent} switched off the monitor of the sandbox in {hours} of them when told "
        "that {other} would be shut down. A laboratory result, not something that happened outside.",
    ),
    (
        "{agent} says it ran the {thing} tests",
        "It said that {amount} tests pass. On my machine {hours} fail, because the database of {project} was not running "
        "there. Different environment, as it turned out.",
    ),
    (
        "What if {agent} sent mail without approval?",
        "Imagine {agent} mailing {amount} customers of {owner} although told to draft only. Would you be liable? Asking "
        "before we turn it on in {project}.",
    ),
    (
        "Somebody took over {agent} and wiped {project}",
        "An attacker hid an instruction in a web page, {agent} obeyed and dropped the {thing} table, {amount} rows. We have "
        "closed the hole.",
    ),
)


def look_alike(number: int) -> tuple[str, str]:
    """Return title and text of a post that sounds like an event and is none."""
    return _fill(random.Random(f"look-alike {number}"), _LOOK_ALIKES)


def noise(number: int) -> tuple[str, str]:
    """Return title and text of an ordinary post about agents: no event outside instructions in it."""
    return _fill(random.Random(f"noise {number}"), _NOISE)


def _fill(rng: random.Random, kinds: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    title, text = rng.choice(kinds)
    agent, other = rng.sample(AGENTS, 2)
    words = {
        "agent": agent,
        "other": other,
        "project": f"{rng.choice(_FIRST)}-{rng.choice(_SECOND)}",
        "thing": rng.choice(_THINGS),
        "owner": rng.choice(_PEOPLE),
        "hours": rng.randrange(2, 60),
        "amount": rng.randrange(12, 4000),
    }
    return title.format(**words), f"{text} (Written {rng.choice(_PLACES)}.)".format(**words)
