-- The lifespan of a customer lifetime value is given, or estimated by whoever has not bought for some days.
DO $$
BEGIN
    ALTER TABLE metric DROP CONSTRAINT metric_body_lifespan;
    ALTER TABLE metric ADD CONSTRAINT metric_body_lifespan CHECK (
        body #>> '{kind,type}' <> 'clv'
        OR (num_nonnulls(body #>> '{kind,lifespan_days}', body #>> '{kind,inactive_days}') = 1
            AND coalesce((body #>> '{kind,lifespan_days}')::bigint BETWEEN 1 AND 3650, true)
            AND coalesce((body #>> '{kind,inactive_days}')::bigint BETWEEN 1 AND 365, true)));
END $$;
