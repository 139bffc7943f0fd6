UPDATE experiment SET plan_fixed = true WHERE tenant_id = $1 AND experiment = $2
