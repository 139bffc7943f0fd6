-- Which tables of the tenant hold anything: looking persons up in an empty one would be a look-up per person for nothing. And until when
-- events were received that left the queue.
SELECT EXISTS (SELECT FROM identity_link l WHERE l.tenant_id = $1) AS links,
  EXISTS (SELECT FROM set_aside s WHERE s.tenant_id = $1) AS set_aside,
  (SELECT m.claimed_through FROM measure_state m WHERE m.tenant_id = $1) AS claimed_through
