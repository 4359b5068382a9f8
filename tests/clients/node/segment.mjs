// Sends one event of each kind by Segment's SDK, or a wrong one, and prints what the SDK had to report: node segment.mjs URL KEY good|bad
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, what] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host, maxRetries: 3, flushInterval: 100 });
const errors = [];
analytics.on("error", (error) => errors.push({ code: error.code, reason: String(error.reason ?? ""), ctx: error.ctx?.failedDelivery?.()?.reason?.message }));

if (what === "good") {
  analytics.identify({ userId: "1", traits: { name: "Elon Musk" } });
  analytics.track({ userId: "1", event: "Registered", properties: { plan: "pro" }, timestamp: new Date("2021-02-24T01:19:38.931Z") });
  analytics.group({ userId: "1", groupId: "A", traits: { name: "SpaceX" } });
  analytics.page({ userId: "1", name: "Home", properties: { url: "https://example.com" } });
  analytics.screen({ userId: "1", name: "Home" });
  analytics.alias({ userId: "1", previousId: "0" });
} else {
  analytics.track({ userId: "1", event: "Registered", timestamp: "yesterday" });
}

await analytics.closeAndFlush({ timeout: 20_000 });
console.log(JSON.stringify({ errors }));
