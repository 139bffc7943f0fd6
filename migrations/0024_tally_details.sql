-- Rows of a tally may hold more than sums: how values are distributed, how long persons take, how often they bought. What
-- only some answers read has rows of its own. And metrics can ask for it.
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
    ALTER TABLE metric DROP CONSTRAINT metric_body_kind;
    ALTER TABLE metric ADD CONSTRAINT metric_body_kind CHECK (
        coalesce(body #>> '{kind,type}', '') IN
            ('conversion', 'count', 'sum', 'ratio', 'retention', 'score', 'clv', 'quantile'));
    ALTER TABLE metric ADD CONSTRAINT metric_body_share CHECK (
        body #>> '{kind,type}' <> 'quantile'
        OR coalesce((body #>> '{kind,share}')::bigint, 0) BETWEEN 1 AND 999999);
    ALTER TABLE metric ADD CONSTRAINT metric_body_align CHECK (
        coalesce(body #>> '{kind,align}', 'exposure') IN ('exposure', 'calendar'));
    ALTER TABLE metric ADD CONSTRAINT metric_body_percentile CHECK (
        body #> '{keeps,percentile_cap}' IS NULL
        OR body #> '{keeps,percentile_cap}' = 'null'::jsonb
        OR (coalesce((body #>> '{keeps,percentile_cap,share}')::bigint, 0) BETWEEN 1 AND 999999
            AND body ->> 'cap' IS NULL));
END $$;
