-- Every link of every subject that can be reached from those of $2. A subject that many links lead to is looked up once a step.
WITH RECURSIVE link (subject, other) AS (
    SELECT l.subject, l.other
    FROM unnest($2::text[]) AS u (subject)
    CROSS JOIN LATERAL (
      SELECT i.subject, i.other FROM identity_link i WHERE i.tenant_id = $1 AND i.subject = u.subject OFFSET 0) AS l
  UNION
    SELECT l.subject, l.other
    FROM (SELECT DISTINCT k.other FROM link k) AS reached
    CROSS JOIN LATERAL (
      SELECT i.subject, i.other FROM identity_link i WHERE i.tenant_id = $1 AND i.subject = reached.other OFFSET 0) AS l
)
SELECT k.subject, k.other FROM link k
