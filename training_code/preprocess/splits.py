"""Which side of the split a policy is on, as SQL: a salted hash, so that no policy is on two."""

import hashlib

SPLITS = ("train", "validation", "test")
_BUCKETS = 10_000
_32_BITS = 2**32 - 1


def bucket(key: str, salt: str) -> str:
    """A policy's place in [0, 10000): a pure function of salt and policy, the same on every shard.

    An integer mix and not a cryptographic hash: MD5 alone would take a sixth
    of the whole preparation. ``mix`` is one round of a 32-bit finalizer.
    """
    seed = int.from_bytes(hashlib.sha256(salt.encode()).digest()[:4], "big")
    return f"mix(mix(mix(xor(xor({key} & {_32_BITS}, {key} >> 32), {seed})))) % {_BUCKETS}"


def mix_macro() -> str:
    """Three rounds of it spread every bit of the key over all 32."""
    return f"CREATE MACRO mix(h) AS (xor(h, h >> 16) * {0x45D9F3B}) & {_32_BITS}"


def split(validation: float, test: float) -> str:
    """The split of a claim, from its policy's bucket; all claims of a policy fall together."""
    test_end, validation_end = round(test * _BUCKETS), round((test + validation) * _BUCKETS)
    return f"CASE WHEN bucket < {test_end} THEN 'test' WHEN bucket < {validation_end} THEN 'validation' ELSE 'train' END"
