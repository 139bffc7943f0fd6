-- Nothing is written where the dictionary of packed events ($15; null: none is packed) is not there: it may be lost where the
-- database was restored to an earlier time.
WITH dictionary_known AS (
    SELECT $15::integer IS NULL
        OR EXISTS (SELECT FROM dictionary d WHERE d.tenant_id = $1 AND d.dictionary_id = $15::integer) AS is_known
), written AS (
    INSERT INTO event (tenant_id, event_id, subject, occurred_at, received_at, name, channel, stage, value, currency,
        experiment, arm, digest, data, dictionary_id, packed)
    SELECT $1, u.event_id, u.subject, u.occurred_at, u.received_at, u.name, u.channel, u.stage, u.value, u.currency,
        u.experiment, u.arm, u.digest, u.data::jsonb, CASE WHEN u.packed IS NOT NULL THEN $15::integer END, u.packed
    FROM unnest($2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $16::bytea[])
        AS u (event_id, subject, occurred_at, received_at, name, channel, stage, value, currency, experiment, arm,
            digest, data, packed)
    WHERE (SELECT k.is_known FROM dictionary_known k)
    ON CONFLICT (tenant_id, event_id) DO NOTHING
    RETURNING event_id
)
SELECT coalesce(array_agg(w.event_id), '{}') AS written, (SELECT k.is_known FROM dictionary_known k) AS is_known
FROM written w
