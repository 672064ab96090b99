"""Which figures may be published: pure functions over counts, used by whatever shows some of people."""
