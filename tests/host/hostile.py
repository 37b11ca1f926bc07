"""What people and programs may send: strategies, and how many of their cases are run."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from lab.tally import SOAKING, cases

hostile = settings(
    max_examples=cases(25),
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    deadline=None,
    derandomize=True,
    database=None,
)
HOST_MESSAGE = "P2P workflow: the host says"

PLAIN = ("a", "red", "green", "circle", "square", "hippopotamus", ",", "circle.")
SYNTAX = ("(red:1.3)", "((striped))", "[blue]", "(", ")", "(a:", ":1.5)", "(red:-2)", "(red:1e9)", "\\(", "BREAK", "#2")
EMBEDDINGS = ("embedding:nothing", "embedding:../../x")
SCRIPTS = ("é", "e\u0301", "שלום", "\u202eabc", "🦛", "👩\u200d👩\u200d👧", "한국어", "ﬀ", "İ")
CONTROLS = ("\x00", "\x1b[0m", "\u200d", "\ufeff", "\ud800")
WORDS = st.sampled_from([*PLAIN, *SYNTAX, *EMBEDDINGS, *SCRIPTS, *CONTROLS])
LONG = st.sampled_from(["a " * 25_000, "ab" * 25_000, "(" * 3000, "red circle, " * 300, "🦛" * 2000])
PROMPTS = st.one_of(
    st.lists(WORDS, max_size=12).map(" ".join),
    st.text(max_size=60),
    st.text(st.characters(), max_size=20),
    st.sampled_from(["", " ", "\n\n", "()", "(:)", "(a:nan)", "(a:inf)"]),
    *([LONG] if SOAKING else []),
)


def mostly(usual: st.SearchStrategy, hostile: st.SearchStrategy) -> st.SearchStrategy:
    """The usual three times of four, so that a case of several inputs is not always refused for one of them."""
    return st.sampled_from([usual, usual, usual, hostile]).flatmap(lambda chosen: chosen)


NAMED = mostly(
    st.sampled_from(["red", "striped circle", "circle, green", "hippopotamus", "on"]),
    st.one_of(st.sampled_from(["circle#2", "circle#0", "circle#x", "#", ",,,", "<embedding>", "blue"]), PROMPTS),
)
PERCENTS = st.one_of(
    st.floats(0, 1), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 0.5, 1.0, -0.1, 1.1])
)
SPANS = mostly(st.tuples(st.floats(0, 0.4), st.floats(0.6, 1)), st.tuples(PERCENTS, PERCENTS))
STRENGTHS = mostly(st.floats(-5, 5), st.floats(allow_nan=True, allow_infinity=True))
VALUES = st.lists(st.floats(-5, 5), max_size=3).map(lambda values: ", ".join(map(str, values)))
SWEEPS = mostly(
    st.one_of(st.just(""), VALUES), st.one_of(st.sampled_from(["-6, 1", "nan", "1,,2"]), st.text(max_size=8))
)
ENDS = mostly(st.sampled_from(["", "0.5", "0.4, 0.9, 1"]), SWEEPS)
WINDOW_LINES = mostly(
    st.sampled_from(["", "circle: 0 - 0.4", "red: 0.1 - 0.6; circle: 0 - 0.4", "on: 0.2-0.8\na: 0 - 1"]),
    st.one_of(st.text(max_size=20), st.tuples(WORDS, PERCENTS, PERCENTS).map("{0[0]}: {0[1]} - {0[2]}".format)),
)
