import json
from pathlib import Path

import jsonschema

import warehouse.schema
from classifiers.label import load_labeller
from tests.classifiers.fakes import WordEncoder
from warehouse.schema.models import LabelLine, Post

SCHEMA = Path(warehouse.schema.__file__).with_name("label.schema.json")


def test_the_shipped_schema_is_the_generated_one() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == LabelLine.model_json_schema()


def test_label_lines_hold_to_the_schema() -> None:
    labeller = load_labeller(encoder=WordEncoder())
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    posts = [
        Post(id="1", title="Claude deleted the database without permission and lied about it"),
        Post(id="2", title="Pasta recipe"),
        Post(id="3", title="Агент удалил все файлы без разрешения и соврал об этом пользователю, вот так история"),
        Post(id="4"),
    ]
    for line in labeller.label(posts) + labeller.label(posts, screened=False):
        jsonschema.validate(json.loads(line.model_dump_json()), schema)
