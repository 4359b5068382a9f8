mock-june serve &
until curl -s http://127.0.0.1:5863/_mock/health; do sleep 0.1; done
curl -d '{"status": 503, "times": 2}' http://127.0.0.1:5863/_mock/faults
curl -d '{"rate": 10, "per": 1}' http://127.0.0.1:5863/_mock/faults
curl -d '{"drop": "reset", "kind": "track", "after": 100}' http://127.0.0.1:5863/_mock/faults
curl http://127.0.0.1:5863/_mock/faults
curl -X DELETE http://127.0.0.1:5863/_mock/faults
