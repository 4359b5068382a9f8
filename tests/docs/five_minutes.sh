mock-june serve &
until curl -s http://127.0.0.1:5863/_mock/health; do sleep 0.1; done
curl -H 'Authorization: Basic any-key' -H 'Content-Type: application/json' \
     -d '{"type": "identify", "userId": 42}' http://127.0.0.1:5863/api/identify
mock-june rule identify.userId.type
curl -H 'Authorization: Basic any-key' -H 'Content-Type: application/json' \
     -d '{"type": "identify", "userId": "42"}' http://127.0.0.1:5863/api/identify
mock-june calls
curl -d '{"status": 503, "times": 2}' http://127.0.0.1:5863/_mock/faults
