"""Whatever breaks an alignment for the editor, the next is right."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

ASKED = {"source": "a red cat", "targets": ["a red dog", "a cat"]}


@pytest.fixture
def route(part):
    return part("p2p_attention.host.align_route")


def answers(route, *asked: dict) -> list[tuple[int, str]]:
    """The status and the text of the answers to requests in turn, of a real server with the route alone."""

    async def ask() -> list[tuple[int, str]]:
        application = web.Application()
        application.router.add_post(route.PATH, route.align)
        async with TestClient(TestServer(application)) as client:
            replies = [await client.post(route.PATH, json=one) for one in asked]
            return [(reply.status, await reply.text()) for reply in replies]

    return asyncio.run(ask())


@pytest.mark.parametrize("error", [MemoryError, ZeroDivisionError, RecursionError, UnicodeError])
@pytest.mark.parametrize("at", range(3))
def test_inside_the_tokenizer(error, at, route, monkeypatch):
    expected = answers(route, ASKED)
    passed = iter(range(1000))

    class Faulty(route.Tokenizer):
        def tokenize(self, text, return_word_ids=False):
            if next(passed) == at:
                raise error("injected")
            return super().tokenize(text, return_word_ids)

    monkeypatch.setattr(route, "_tokenizer", Faulty)
    broken, again = answers(route, ASKED, ASKED)
    assert broken[0] in (400, 500) and [again] == expected


def test_many_at_once(route):
    """Each of its own thread, with one tokenizer."""

    async def ask() -> list[str]:
        application = web.Application()
        application.router.add_post(route.PATH, route.align)
        async with TestClient(TestServer(application)) as client:
            replies = await asyncio.gather(*(client.post(route.PATH, json=ASKED) for _ in range(32)))
            return [await reply.text() for reply in replies]

    assert len(set(asyncio.run(ask()))) == 1
