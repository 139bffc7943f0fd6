-- Which of the subjects $3 were exposed to any of the experiments $2.
SELECT x.subject
FROM unnest($3::text[]) AS s (subject)
CROSS JOIN unnest($2::text[]) AS w (experiment)
CROSS JOIN LATERAL (
  SELECT e.subject FROM exposure e
  WHERE e.tenant_id = $1 AND e.experiment = w.experiment AND e.subject = s.subject OFFSET 0) AS x
