"""What becomes of a job: the tables of states, the steps, and what the end of a job brings with it."""
