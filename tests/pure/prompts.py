"""Prompts for tests without a tokenizer: one token for each word, or as many as "word*3" says."""

from p2p_attention.prompts.prompt import Prompt, Role, Token


def prompt(text: str, length: int = 77) -> Prompt:
    """A prompt of whitespace-separated words, "cat*3" being a word of three tokens, in chunks of `length`."""
    tokens: list[Token] = []
    for word in text.split():
        name, _, count = word.partition("*")
        for part in range(int(count or 1)):
            last = part == int(count or 1) - 1
            tokens.append(Token(Role.WORD, hash((name, part)), (name if part == 0 else "") + ("</w>" if last else "")))
    chunks = []
    for start in range(0, max(len(tokens), 1), length - 2):
        words = tokens[start : start + length - 2]
        padding = [Token(Role.PADDING)] * (length - 2 - len(words))
        chunks.append((Token(Role.START), *words, Token(Role.END), *padding))
    return Prompt(text, tuple(chunks))
