"""The scanner against Python's json: what one takes as one model, the other must not take as another."""

import json
import random
import subprocess
import unittest
from typing import Any

DRIVER = """
package.path = "/opt/slm/lua/?.lua"
local scanner = require("scanner")
while true do
  local size = io.read("n", "l")
  if not size then break end
  local body = size > 0 and io.read(size) or ""
  local found, problem = scanner.scan(body)
  if found then
    local stream, prefix = tostring(found.stream), #(found.prefix or "")
    problem = table.concat({ "ok", found.model, stream, prefix, found.at, found.size, found.steering }, " ")
  end
  io.write(problem, "\\n")
end
"""


def scan(bodies: list[bytes]) -> list[str]:
    """One answer a body: `ok MODEL STREAM PREFIX-LENGTH AT SIZE [STEERING FIELD]` or the problem."""
    data = b"".join(f"{len(body)}\n".encode() + body for body in bodies)
    run = subprocess.run(["lua5.4", "-e", DRIVER], input=data, capture_output=True, check=True)
    return run.stdout.decode().splitlines()


def no_constants(name: str) -> Any:
    raise ValueError(name)


def oracle(body: bytes) -> str | None:
    """The model that a strict reader sees, "" for a name of ours it cannot be; None: refuse."""
    try:
        pairs = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=lambda found: found,
            parse_constant=no_constants,
        )
    except (ValueError, RecursionError):
        return None
    if not isinstance(pairs, list) or not body.lstrip(b" \t\r\n").startswith(b"{"):
        return None
    named = [value for key, value in pairs if key.lower() == "model"]
    if len(named) != 1 or not isinstance(named[0], str) or "model" not in dict(pairs):
        return None
    return named[0]


class ScannerTest(unittest.TestCase):
    def check(self, expected: str, *bodies: str | bytes) -> None:
        raw = [body if isinstance(body, bytes) else body.encode() for body in bodies]
        for body, answer in zip(raw, scan(raw), strict=True):
            with self.subTest(body=body[:200]):
                assert " ".join(answer.split(" ")[: len(expected.split())]) == expected

    def test_the_model_is_found_wherever_it_stands(self) -> None:
        self.check(
            "ok a",
            '{"model":"a"}',
            ' \t\r\n{ "x" : [1, -2.5e+3, {"model":"b"}] , "model" : "a" } \n',
            '{"messages":[{"role":"user","content":"\\"model\\":\\"b\\""}],"model":"a"}',
            '{"model":"\\u0061"}',
            '{"model":"a","é":"\x7f","deep":' + "[" * 100 + "]" * 100 + "}",
        )

    def test_a_body_that_could_be_read_in_two_ways_is_refused(self) -> None:
        self.check(
            "ambiguous_model",
            '{"model":"a","model":"b"}',
            '{"model":"a","model":"a"}',
            '{"mod\\u0065l":"a"}',
            '{"model":"a","mod\\u0065l":"b"}',
            '{"Model":"a"}',
            '{"model":"a","MODEL":"b"}',
        )

    def test_what_is_not_one_strict_json_object_is_refused(self) -> None:
        self.check(
            "invalid_json",
            "",
            "[]",
            '"model"',
            '{"model":"a"',
            '{"model":"a"}{"model":"b"}',
            '{"model":"a"} x',
            '{"model":"a",}',
            '{"model":"a","n":NaN}',
            '{"model":"a","n":01}',
            '{"model":"a","n":+1}',
            '{"model":"a","n":.5}',
            '{"model":"a","n":1.}',
            '{"model":"a" "n":1}',
            "{'model':'a'}",
            '{"model":"a"/**/}',
            '{"model":"a\n"}',
            '{"model":"a","t":tru}',
            '{"model":"a\\x"}',
            '{"model":"a\\u12g4"}',
            '{"model":"a\0"}',
            b'\xef\xbb\xbf{"model":"a"}',
            '{"model":"a"}'.encode("utf-16-le"),
            b'{"model":"a","x":"\xc0\xa2"}',
            b'{"model":"a","x":"\xff"}',
            '{"model":"a","deep":' + "[" * 128 + "]" * 128 + "}",
        )

    def test_a_body_without_a_model_name_is_told_so(self) -> None:
        self.check("missing_model", "{}", '{"model":null}', '{"model":7}', '{"x":{"model":"a"}}')

    def test_a_name_that_no_model_of_ours_has_is_unknown_and_not_looked_up(self) -> None:
        names = ["", "a b", "a|b", "\\u0000a", "a\\u0000b", "é", "../a", "-a", "a" * 129, "\\ud800"]
        self.check("ok", *[f'{{"model":"{name}"}}' for name in names])
        for answer in scan([f'{{"model":"{name}"}}'.encode() for name in names]):
            assert answer.startswith("ok  false 0 9 ")

    def test_stream_and_prefix_are_seen(self) -> None:
        body = {"model": "a", "stream": True, "messages": ["x" * 5000]}
        assert scan([json.dumps(body).encode()]) == ["ok a true 1024 10 3"]

    def test_what_a_lenient_engine_takes_for_true_is_a_stream(self) -> None:
        for value, streamed in (("1", "true"), ('"true"', "true"), ("false", "false"), ("null", "false")):
            answer = scan([f'{{"model":"a","stream":{value}}}'.encode()])
            assert answer == [f"ok a {streamed} 0 9 3"], value

    def test_a_field_that_chooses_a_model_or_destination_is_named(self) -> None:
        names = ["models", "Models", "\\u006dodels", "model\u017f", "route", "provider", "api_\u212aEY"]
        names += ["".join(f"\\u{ord(c):04x}" for c in "extra_headers"), "user_config", "data_sources"]
        expected = ["models", "models", "models", "models", "route", "provider", "api_key"]
        expected += ["extra_headers", "user_config", "data_sources"]
        found = scan([f'{{"{name}":1,"model":"a","route":2}}'.encode() for name in names])
        assert [answer.split(" ")[-1] for answer in found] == expected
        self.check("ok a false 0 9 3", '{"model":"a","x":{"models":1},"metadata":["route"],"modelz":1}')
        assert scan([b'{"model":"a","modelz":1}']) == ["ok a false 0 9 3"]

    def test_damaged_bodies_are_never_read_otherwise_than_by_a_strict_parser(self) -> None:
        rng = random.Random(7)
        bodies = [
            damaged(rng, json.dumps(value(rng, 0), ensure_ascii=rng.random() < 0.5)) for _ in range(6000)
        ]
        accepted = 0
        for body, answer in zip(bodies, scan(bodies), strict=True):
            model = oracle(body)
            if answer.startswith("ok "):
                accepted += 1
                assert model is not None, body
                _, name, _, _, at, size = answer.split(" ")
                assert name in {model, ""}, body
                assert json.loads(body[int(at) : int(at) + int(size)]) == model, body
                renamed = body[: int(at)] + b'"new"' + body[int(at) + int(size) :]
                assert json.loads(renamed) == {**json.loads(body), "model": "new"}
            elif model is not None:
                assert answer == "ambiguous_model", body
                assert b"\\u" in body
        assert accepted > 500


def value(rng: random.Random, depth: int) -> Any:
    if depth == 0 or (depth < 4 and rng.random() < 0.4):
        keys = ["model", "model", "x", "é", "stream", "Model"][: 5 + (rng.random() < 0.1)]
        made = {rng.choice(keys): value(rng, depth + 1) for _ in range(rng.randint(0, 4))}
        return made | ({"model": rng.choice(["a", "b", "qwen3:4b"])} if depth == 0 else {})
    return rng.choice([1, -0.5, 1e30, True, None, "a", 'q"\\/\n\u20ac\U0001f600', [1, ["a"]], {}, []])


def damaged(rng: random.Random, text: str) -> bytes:
    raw = bytearray(text.encode())
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        at = rng.randrange(len(raw))
        match rng.randrange(3):
            case 0:
                del raw[at]
            case 1:
                raw.insert(at, rng.choice(b'"\\{}[],:0-.eE \x00\xff\xc0umdla'))
            case _:
                piece = raw[at : at + rng.randint(1, 12)]
                raw[at:at] = piece
    return bytes(raw)


if __name__ == "__main__":
    unittest.main()
