-- The lifespan of a customer lifetime value is given, or estimated by whoever has not bought for some days.
DO $$
BEGIN
    ALTER TABLE metric DROP CONSTRAINT metric_body_lifespan;
    ALTER TABLE metric ADD CONSTRAINT metric_body_lifespan CHECK (
        body #>> '{kind,type}' <> 'clv'
        OR coalesce((body #>> '{kind,lifespan_days}')::bigint BETWEEN 1 AND 3650, false)
            <> coalesce((body #>> '{kind,inactive_days}')::bigint BETWEEN 1 AND 365, false));
END $$;
