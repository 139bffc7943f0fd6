-- Whether the plan of an experiment was found fixed once: moving its dates afterwards, so that no exposure counts any more,
-- does not set it free.
DO $$
BEGIN
    ALTER TABLE experiment ADD COLUMN plan_fixed boolean;
    COMMENT ON COLUMN experiment.plan_fixed IS
        'True: an exposure counted at some change of the experiment, under the measure lock, so that method, N* and CUPED stay as they are for good; null: none did yet.';
END $$;
