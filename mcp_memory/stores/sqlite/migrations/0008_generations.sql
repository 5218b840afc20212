-- Finds the vectors that a change of the model made old, and counts them, without reading the others.
CREATE INDEX facets_by_generation ON facets (generation);
