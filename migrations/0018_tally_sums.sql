-- A row of a tally is one short text of bytes: it is written anew by every slice and read by every answer, and arrays of
-- numbers were six times as long. What is stored stays, as the texts of its arrays behind a 0, until it changes.
DO $$
BEGIN
    ALTER TABLE tally ADD COLUMN sums bytea;
    UPDATE tally SET sums = '\x00'::bytea || convert_to(
        concat_ws('|', counts::text, live::text, matured::text,
            crossed_counts::text, crossed_live::text, crossed_matured::text), 'UTF8');
    ALTER TABLE tally
        ALTER COLUMN sums SET NOT NULL,
        DROP COLUMN counts,
        DROP COLUMN live,
        DROP COLUMN matured,
        DROP COLUMN crossed_counts,
        DROP COLUMN crossed_live,
        DROP COLUMN crossed_matured;
    COMMENT ON COLUMN tally.sums IS
        'Counts, live and matured sums of all metrics, of everyone and of what crossovers take away, in the form of metrics::tally.';
END $$;
