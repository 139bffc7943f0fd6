-- The distinct values of a dimension up to a day, counted up to $5: the index is skipped through, value by value.
WITH RECURSIVE found (value, number) AS (
    (SELECT t.value, 1
     FROM tally t
     WHERE t.tenant_id = $1 AND t.definition_id = $2 AND t.dimension = $3
     ORDER BY t.value
     LIMIT 1)
  UNION ALL
    SELECT next.value, f.number + 1
    FROM found f
    CROSS JOIN LATERAL (
      SELECT t.value
      FROM tally t
      WHERE t.tenant_id = $1 AND t.definition_id = $2 AND t.dimension = $3 AND t.value > f.value
      ORDER BY t.value
      LIMIT 1) AS next
    WHERE f.number < $5
)
SELECT count(*) AS values
FROM found f
WHERE EXISTS (
  SELECT FROM tally t
  WHERE t.tenant_id = $1 AND t.definition_id = $2 AND t.dimension = $3 AND t.value = f.value AND t.day <= $4)
