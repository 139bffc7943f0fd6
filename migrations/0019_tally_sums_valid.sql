-- What is no row of a tally is refused.
ALTER TABLE tally ADD CONSTRAINT tally_sums_valid CHECK (octet_length(sums) > 0);
