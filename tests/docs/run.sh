mock-june run -- python backfill.py
mock-june run --allow-rejected --export sent.jsonl -- python backfill.py
mock-june check sent.jsonl
