# The Python samples of June's article "Backfill your events", as they were published but for the import: mock-june run -- python examples/article_sample.py
# The article shows its addresses as "[email protected]"; so do these.
import requests

identify_payload = {
"type": "identify",
"userId": "1",
"traits": {
"name": "Elon Musk",
"email": "[email protected]",
"plan": "pro",
"logins": 1
}
}

identify_url = "https://api.june.so/api/identify"
api_key = "secret_api_key" # from the June settings page

response = requests.post(
identify_url,
json=identify_payload,
headers={'Authorization': f'Basic {api_key}'}
)

assert response.status_code == 200

group_payload = {
"type": "group",
"groupId": "A",
"userId": "1",
"traits": {
"name": "SpaceX"
}
}

group_url = "https://api.june.so/api/group"
api_key = "secret_api_key" # from the June settings page

response = requests.post(
group_url,
json=group_payload,
headers={'Authorization': f'Basic {api_key}'}
)

assert response.status_code == 200

track_payload = {
"type": "track",
"event": "Registered",
"userId": "1",
"timestamp": "2021-02-24T01:19:38.931Z",
"email": "[email protected]",
"properties": {
"plan": "pro"
}
}

track_url = "https://api.june.so/api/track"
api_key = "secret_api_key" # from the June settings page

response = requests.post(
track_url,
json=track_payload,
headers={'Authorization': f'Basic {api_key}'}
)

assert response.status_code == 200
