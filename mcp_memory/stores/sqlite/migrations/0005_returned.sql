-- What a memory said when a search last returned it: hash of its owner and its normalised text. NULL before the first time.
ALTER TABLE facets ADD COLUMN returned INTEGER;
CREATE INDEX facets_by_returned ON facets (returned) WHERE returned IS NOT NULL;
