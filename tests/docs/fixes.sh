mock-june check export.jsonl --fix --fixed-to fixed.jsonl --patch-to patches.jsonl
