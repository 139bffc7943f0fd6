-- Whether an exposure to the experiment counts already. $1 tenant, $2 experiment, $3 its arms, $4 its start, $5 its end.
SELECT EXISTS (
  SELECT FROM exposure x
  CROSS JOIN LATERAL (
    SELECT FROM event j
    WHERE j.tenant_id = $1 AND j.subject = x.subject AND j.experiment = $2 AND j.arm = ANY ($3::text[])
      AND ($4::timestamptz IS NULL OR j.occurred_at >= $4) AND ($5::timestamptz IS NULL OR j.occurred_at < $5)
    LIMIT 1) AS counted
  WHERE x.tenant_id = $1 AND x.experiment = $2)
