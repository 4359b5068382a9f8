mock-june serve --tls --ca-file ca.pem &
until curl -s --cacert ca.pem https://127.0.0.1:5863/_mock/health; do sleep 0.1; done
curl --cacert ca.pem https://127.0.0.1:5863/_mock/health
mock-june calls --url https://127.0.0.1:5863 --ca-file ca.pem
SSL_CERT_FILE=ca.pem mock-june calls --url https://localhost:5863
python - <<'PYTHON'
from mock_june.client import JuneClient, MockJune

with MockJune("https://127.0.0.1:5863", verify="ca.pem") as june, JuneClient(june.url, "my-key", verify="ca.pem") as client:
    client.identify(userId="1", traits={"name": "Ada"})
    june.assert_received("identify", userId="1")
PYTHON
