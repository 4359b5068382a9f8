// Sends one event with each of Node's clients to https://api.june.so, as a program would that knows nothing of mock-june.
// Prints a line of JSON a client: its name, and what went wrong if anything did.
import { once } from 'node:events'
import { fork } from 'node:child_process'
import https from 'node:https'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

const URL = 'https://api.june.so/api/identify'
const headers = { Authorization: 'Basic secret_api_key', 'Content-Type': 'application/json' }
const payload = name => ({ type: 'identify', userId: name })
const good = status => { if (status !== 200) throw new Error(`answered ${status}`) }

const byFetch = async name => good((await fetch(URL, { method: 'POST', headers, body: JSON.stringify(payload(name)) })).status)

const byHttps = async (name, options = {}) => {
  const request = https.request(URL, { method: 'POST', headers, ...options })
  request.end(JSON.stringify(payload(name)))
  const [answer] = await once(request, 'response')
  answer.resume()
  good(answer.statusCode)
}

const byAxios = module => async name => {
  const { default: axios } = await import(module)
  good((await axios.post(URL, payload(name), { headers })).status)
}

const elsewhere = async (started, name) => {
  const [code] = await once(started, 'exit')
  if (code !== 0) throw new Error(`${name} ended with ${code}`)
}

const CLIENTS = {
  'fetch': byFetch,
  'https': byHttps,
  'https-agent': name => byHttps(name, { agent: new https.Agent({ keepAlive: false, maxCachedSessions: 0 }) }),
  'axios': byAxios('axios'),
  'axios-0.27': byAxios('axios-0'),
  'got': async name => {
    const { default: got } = await import('got')
    good((await got.post(URL, { json: payload(name), headers, retry: { limit: 0 } })).statusCode)
  },
  'node-fetch': async name => {
    const { default: fetch } = await import('node-fetch')
    good((await fetch(URL, { method: 'POST', headers, body: JSON.stringify(payload(name)) })).status)
  },
  '@june-so/analytics-node': async name => {
    const { Analytics } = await import('@june-so/analytics-node')
    const analytics = new Analytics('secret_api_key')
    analytics.identify({ userId: name })
    await analytics.closeAndFlush()
  },
  '@june-so/analytics-next': async name => {
    const { JSDOM } = await import('jsdom') // it is for pages, so a page it gets
    const { window } = new JSDOM('<!doctype html>', { url: 'https://example.com/' })
    for (const each of ['window', 'document', 'location', 'navigator', 'localStorage', 'screen']) {
      Object.defineProperty(globalThis, each, { value: window[each], configurable: true })
    }
    const { AnalyticsBrowser } = await import('@june-so/analytics-next')
    const context = await AnalyticsBrowser.load({ writeKey: 'secret_api_key' }).identify(name)
    if (context.failedDelivery()) throw new Error(JSON.stringify(context.failedDelivery()))
  },
  'worker': name => elsewhere(new Worker(new globalThis.URL(import.meta.url), { argv: ['--send', name] }), name),
  'fork': name => elsewhere(fork(fileURLToPath(import.meta.url), ['--send', name]), name)
}

if (process.argv[2] === '--send') {
  await byFetch(process.argv[3])
} else {
  for (const [name, send] of Object.entries(CLIENTS)) {
    let error = null
    try {
      await Promise.race([send(name), setTimeout(20000).then(() => { throw new Error('took too long') })])
    } catch (thrown) {
      error = `${thrown} ${thrown.cause ?? ''}`
    }
    console.log(JSON.stringify({ client: name, error }))
  }
  process.exit() // a page that is left open keeps Node from ending by itself
}
