"""What is watched and how: rules, alerts, runbooks, dashboards and the configuration of what runs them."""
