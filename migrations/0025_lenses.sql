-- What of the order of events an experiment keeps has rows of its own.
DO $$
BEGIN
    ALTER TABLE tally DROP CONSTRAINT tally_dimension_valid;
    ALTER TABLE tally ADD CONSTRAINT tally_dimension_valid CHECK (dimension BETWEEN -34 AND 20);
    COMMENT ON COLUMN tally.dimension IS
        '0: everyone; i + 1: the i-th dimension of the version; -1: everyone''s spans, -2: everyone''s customers, -3 - i: what its i-th lens shows of everyone, see metrics::tally.';
END $$;
