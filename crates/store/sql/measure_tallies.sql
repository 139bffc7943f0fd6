SELECT t.definition_id, t.dimension, t.value, t.arm, t.day, t.entered
FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::smallint[], $6::date[])
  AS k (definition_id, dimension, value, arm, day)
CROSS JOIN LATERAL (
  SELECT *
  FROM tally r
  WHERE r.tenant_id = $1
    AND r.definition_id = k.definition_id
    AND r.dimension = k.dimension
    AND r.value = k.value
    AND r.arm = k.arm
    AND r.day = k.day
  OFFSET 0) AS t
