// Sends one payload and prints the status and the answer as JSON: node post.mjs axios|fetch URL KEY PAYLOAD
import axios from "axios";

const [client, url, key, payload] = process.argv.slice(2);
const headers = { Accept: "application/json", "Content-Type": "application/json", Authorization: `Basic ${key}` };

const send = {
  axios: async () => {
    const answer = await axios.post(url, JSON.parse(payload), { headers, validateStatus: () => true, timeout: 10_000 });
    return { status: answer.status, body: answer.data };
  },
  fetch: async () => {
    const answer = await fetch(url, { method: "POST", headers, body: payload });
    return { status: answer.status, body: await answer.json() };
  },
};

const said = await send[client]().catch((error) => ({ error: String(error) }));
console.log(JSON.stringify(said));
