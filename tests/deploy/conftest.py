from tests.finished import architecture, config, run, spoken  # noqa: F401
