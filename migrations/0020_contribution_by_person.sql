-- A slice looks up all that a person contributes: one place in the index then, however many experiments there are.
DO $$
BEGIN
    ALTER TABLE contribution DROP CONSTRAINT contribution_pk;
    ALTER TABLE contribution ADD CONSTRAINT contribution_pk PRIMARY KEY (tenant_id, person, definition_id);
    COMMENT ON COLUMN definition.position IS
        'The subject up to which a building version is measured; the person up to which a retired one is swept.';
END $$;
