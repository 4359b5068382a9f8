// The Node samples of June's article "Backfill your events", as they were published but for the key: mock-june run -- node examples/article_sample.cjs
// Each stands in braces of its own, since all three name the same constants. The article shows its addresses as "[email protected]"; so do these.

{
const axios = require('axios');

// Identify object
identify = {
type: "identify",
userId: "1",
traits: {
name: "Elon Musk",
email: "[email protected]",
plan: "pro",
logins: 1
}
}

// JSON format expected
const options = {
headers: {
Accept: 'application/json',
'Content-Type': 'application/json',
Authorization: 'Basic secret_api_key',
},
};

const url = 'https://api.june.so/api/identify';

// Send event to June
axios.post(url, identify, options);
}

{
const axios = require('axios');

// Group object
group = {
type: "group",
groupId: "A",
userId: "1",
traits: {
name: "SpaceX"
}
}

// JSON format expected
const options = {
headers: {
Accept: 'application/json',
'Content-Type': 'application/json',
Authorization: 'Basic secret_api_key',
},
};

const url = 'https://api.june.so/api/group';

// Send event to June
axios.post(url, group, options);
}

{
const axios = require('axios');

// Event object
const event = {
type: 'track',
event: 'Dashboard Loaded',
userId: '1',
timestamp: '2021-02-24T01:19:38.931Z',
email: '[email protected]',
};

// JSON format expected
const options = {
headers: {
Accept: 'application/json',
'Content-Type': 'application/json',
Authorization: 'Basic secret_api_key',
},
};

const url = 'https://api.june.so/api/track';

// Send event to June
axios.post(url, event, options);
}
