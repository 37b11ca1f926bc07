"""Requests for an alignment as the editor sends them, and as others may: each is answered with runs of words that make
up the prompts, or refused with a status of the client's and a reason. None is answered with an error of the server's.
"""

from __future__ import annotations

import http.client
import json
import zlib
from random import Random

from .nearly_right import PROMPTS, TEXTS, Draw, prompts

PATH = "/p2p/align"
REFUSALS = (400, 403, 404, 405, 413, 415)


def body(draw: Draw, source: object, targets: object) -> bytes:
    """A request's body, nearly right."""
    asked = draw.one(
        [{"source": source, "targets": targets}],
        [
            {"source": source},
            {"targets": targets},
            [source, targets],
            targets,
            None,
            {"source": [source], "targets": 1},
        ],
    )
    text = json.dumps(asked, ensure_ascii=draw.by(0.5)).encode("utf-8", "surrogatepass")
    odd = [b"", text[:-1], text + b"}", b"\xff\xfe" + text, text.replace(b":", b"\x00"), b"[" * 30_000, b'{"a":' * 9000]
    odd += [b"9" * 5000, b"NaN", text.decode("utf-8", "replace").encode("utf-16"), b" " * 70_000 + text]
    return draw.one([text], odd)


def headers(draw: Draw, sent: bytes) -> tuple[dict[str, str], bytes]:
    """A request's headers, and what is sent below them."""
    made = {"Content-Type": draw.one(["application/json"], ["text/plain", "", "application/json; charset=x", "a/b/c"])}
    if draw.by(draw.chance):
        made["Origin"] = draw.one(["http://evil.example", "null", ""])
    if draw.by(draw.chance):
        packed = zlib.compress(draw.one([sent, b"a" * 50_000_000]))
        made["Content-Encoding"] = draw.one(["deflate", "gzip", "br", "x"])
        sent = draw.one([packed, sent, packed[:-3]])
    if draw.by(draw.chance):
        made["Content-Length"] = str(draw.one([len(sent) // 2, 0]))
    return made, sent


def asked(server, draw: Draw) -> tuple[int, bytes, list[str]]:
    """The status and the body of an answer, and the targets that were asked for."""
    pair = prompts(draw)
    many = draw.one([1, 1, 2, 8], [0, 9, 500])
    texts = [draw.one([pair.target], [*PROMPTS, *TEXTS, "a " * 2000, "é" * 5000]) for _ in range(many)]
    sent = body(draw, draw.one([pair.source], [*PROMPTS, *TEXTS, None, 1, {}, ["a"]]), draw.one([texts], ["ab", {}, 1]))
    kinds, sent = headers(draw, sent)
    connection = http.client.HTTPConnection(server.address, timeout=60)
    try:
        connection.request(draw.one(["POST"], ["GET", "PUT", "OPTIONS"]), PATH, sent, kinds)
        reply = connection.getresponse()
        return reply.status, reply.read(), texts
    finally:
        connection.close()


def test_requests(server, tally):
    def case(random: Random):
        status, answer, texts = asked(server, Draw(random, chance=0.03))
        if status != 200:
            assert status in REFUSALS, f"answered with {status}: {answer[:200]!r}\n{server.log.read_text()[-2000:]}"
            raise ValueError(f"P2P request: refused with {status}")
        runs = json.loads(answer)["targets"] if answer else []
        assert len(runs) in (len(texts), 0)
        for changes in runs:
            assert {run["change"] for run in changes} <= {"kept", "swapped", "added", "removed"}
        return runs

    tally.each("requests for an alignment", 60, case)


def test_clients_that_go_away(server):
    """In the middle of a request; the next is answered."""
    for sent in (b"", b"{", b'{"source": "a cat'):
        connection = http.client.HTTPConnection(server.address, timeout=60)
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "100")
        connection.endheaders(sent)
        connection.close()
    whole = json.dumps({"source": "a cat", "targets": ["a dog"]}).encode()
    connection = http.client.HTTPConnection(server.address, timeout=60)
    connection.request("POST", PATH, whole, {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
