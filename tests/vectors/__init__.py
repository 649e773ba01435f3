"""The language-neutral test vectors of `shared_schema/vectors`: generators, the runner, oracles and property tests."""
