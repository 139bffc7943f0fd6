-- Which of the subjects $3 were exposed to the experiment $2.
SELECT x.subject
FROM unnest($3::text[]) AS s (subject)
CROSS JOIN LATERAL (
  SELECT e.subject FROM exposure e WHERE e.tenant_id = $1 AND e.experiment = $2 AND e.subject = s.subject OFFSET 0) AS x
