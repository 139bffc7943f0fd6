-- $1 tenant, $2 versions, $3 persons.
SELECT c.definition_id, c.person, c.body
FROM unnest($3::text[]) AS s (person)
CROSS JOIN LATERAL (
  SELECT * FROM contribution r WHERE r.tenant_id = $1 AND r.person = s.person OFFSET 0) AS c
WHERE c.definition_id = ANY ($2::bigint[])
