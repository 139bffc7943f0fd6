-- Rows of a tally may hold more than sums: how values are distributed, how long persons take, how often they bought. What
-- only some answers read has rows of its own.
DO $$
BEGIN
    ALTER TABLE tally DROP CONSTRAINT tally_dimension_valid;
    ALTER TABLE tally ADD CONSTRAINT tally_dimension_valid CHECK (dimension BETWEEN -2 AND 20);
    COMMENT ON COLUMN tally.dimension IS
        '0: everyone; i + 1: the i-th dimension of the version; -1: everyone''s spans, -2: everyone''s customers, see metrics::tally.';
    COMMENT ON COLUMN tally.value IS
        'The dimension''s value at first exposure; empty: none, or everyone; for spans and customers the index of the metric.';
    COMMENT ON COLUMN tally.sums IS
        'Counts, live and matured sums of all metrics and what they keep beside them, of everyone and of what crossovers take away, in the form of metrics::tally.';
END $$;
