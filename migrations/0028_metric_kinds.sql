-- Metrics may be net of costs, the latest value of a person, or an answer to a survey.
DO $$
BEGIN
    ALTER TABLE metric DROP CONSTRAINT metric_body_kind;
    ALTER TABLE metric ADD CONSTRAINT metric_body_kind CHECK (
        coalesce(body #>> '{kind,type}', '') IN
            ('conversion', 'repeat', 'count', 'sum', 'total', 'per_time', 'ratio', 'retention', 'score', 'clv', 'quantile', 'net',
             'latest', 'rating'));
END $$;
