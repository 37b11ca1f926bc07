"""Prompts for tests without a tokenizer: one token for each word, or as many as "word*3" says."""

from p2p_attention.prompts.prompt import Piece, Prompt, Role, Token, Word, join


def prompt(text: str, length: int = 77) -> Prompt:
    """A prompt of whitespace-separated words, "cat*3" being a word of three tokens, in chunks of `length`."""
    pieces: list[Piece] = []
    for word in text.split():
        name, _, count = word.partition("*")
        for part in range(int(count or 1)):
            spelling = name if part == 0 else ""
            token = Token(Role.WORD, hash((name, part)), spelling)
            pieces.append(Piece(0, token, spelling, ends=part == int(count or 1) - 1))
    chunks = []
    for start in range(0, max(len(pieces), 1), length - 2):
        words = pieces[start : start + length - 2]
        padding = [Piece(0, Token(Role.PADDING))] * (length - 2 - len(words))
        chunks.append((Piece(0, Token(Role.START)), *words, Piece(0, Token(Role.END)), *padding))
    return read(text, chunks)


def read(text: str, chunks: list[tuple[Piece, ...]]) -> Prompt:
    """A prompt of chunks of pieces, in whatever places those say that they are."""
    return Prompt(text, tuple(tuple(piece.token for piece in chunk) for chunk in chunks), words_of(chunks))


def words_of(chunks: list[tuple[Piece, ...]]) -> tuple[Word, ...]:
    """The words that the chunks' pieces make."""
    every = [piece for chunk in chunks for piece in chunk]
    placed = [Piece(i, p.token, p.spelling, p.ends, p.group) for i, p in enumerate(every) if p.token.role is Role.WORD]
    return join(placed, "".join)
