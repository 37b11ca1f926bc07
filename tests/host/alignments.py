"""Alignments of two prompts as matrices [source, target], written from their tokens alone, for materialised references.

Columns: a swap's or a refine's words, the end, the padding.
"""

import torch


def tokens(clip, text, length, key="t5xxl"):
    """Token ids with the end and the padding, read with the host's tokenizer of that key."""
    ids = [entry[0] for entry in clip.tokenize(text)[key][0]]
    return ids + [0] * (length - len(ids))


def words(ids):
    """How many tokens are words: all before the end."""
    return ids.index(1)


def specials(matrix, source, target):
    """The end answers the end, padding the padding in its place, or the first where the source has none there."""
    matrix[words(source), words(target)] = 1
    for j in range(words(target) + 1, len(target)):
        matrix[j if j > words(source) else len(source) - 1, j] = 1


def swapped(source, target):
    """'cat' → 'hippopotamus': one token becomes several; what is before and after it moves with it."""
    matrix, more = torch.zeros(len(source), len(target)), words(target) - words(source)
    before = next(i for i in range(len(source)) if source[i] != target[i])
    matrix[range(before), range(before)] = 1
    matrix[before, before : before + more + 1] = 1 / (more + 1)
    for i in range(before + 1, words(source)):
        matrix[i, i + more] = 1
    specials(matrix, source, target)
    return matrix


def added(source, target):
    """Every source word in its new place, in order; the others are new."""
    matrix, j = torch.zeros(len(source), len(target)), 0
    for i in range(words(source)):
        j = next(at for at in range(j, words(target)) if target[at] == source[i])
        matrix[i, j] = 1
        j += 1
    specials(matrix, source, target)
    return matrix
