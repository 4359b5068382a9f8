mock-june check export/ --write-baseline known.json
mock-june check export/ --baseline known.json
