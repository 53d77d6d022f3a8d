"""What lies in the folder of a storm, on the load generator and here."""

PLAN = "plan.json"
RECORD = "record.json"
# The machine and the versions, as they were before it began.
SURROUNDINGS = "surroundings.json"
# What the master heard of its workers, for when it is lost itself.
JOURNAL = "journal.jsonl"
PROGRESS = "progress.jsonl"
