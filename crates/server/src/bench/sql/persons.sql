-- The smallest subject of each component of links. $1 tenant
WITH RECURSIVE reached (subject, other) AS (
    SELECT subject, subject FROM identity_link WHERE tenant_id = $1
    UNION
    SELECT r.subject, l.other FROM reached r JOIN identity_link l ON l.tenant_id = $1 AND l.subject = r.other
)
INSERT INTO bench.person (subject, person)
SELECT subject, min(other) FROM reached GROUP BY subject
ON CONFLICT (subject) DO UPDATE SET person = excluded.person
