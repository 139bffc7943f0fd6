-- What the persons of a version contribute, in the order of the persons.
SELECT c.body FROM contribution c WHERE c.tenant_id = $1 AND c.definition_id = $2 ORDER BY c.person
