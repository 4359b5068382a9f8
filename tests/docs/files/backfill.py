import requests

answer = requests.post(
    "https://api.june.so/api/identify",
    json={"type": "identify", "userId": 42, "traits": {"email": "ada@example.com"}},
    headers={"Authorization": "Basic secret_api_key"},
)
print(answer.status_code)
