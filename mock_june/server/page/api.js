// The control API: one request, and the stream. The token, where one is wanted, is kept for this tab alone.

const TOKEN = 'mock-june-token'

/** What the server refused, in its own words. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

let askForToken = async () => { throw new Refused(401, 'unauthorized', 'a token is wanted') }
let asking = null

/** Who asks the user for the token when one is wanted. Gives it, and may be called again when it was wrong. */
export function onToken(ask) {
  askForToken = ask
}

/** A path and its parameters (a Map, or pairs). */
export function url(path, query = []) {
  const text = new URLSearchParams([...query].map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

/** Whether requests carry a token: then a plain link does not do. */
export const hasToken = () => sessionStorage.getItem(TOKEN) !== null

async function request(path, { method = 'GET', query = [], json, headers = {}, signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN)
    const own = token === null ? {} : { 'X-Mock-June-Token': token }
    const body = json === undefined ? {} : { body: JSON.stringify(json), headers: { 'Content-Type': 'application/json', ...headers, ...own } }
    const answer = await fetch(url(path, query), { method, signal, cache: 'no-store', headers: { ...headers, ...own }, ...body })
    if (answer.status === 401 && (answer.headers.get('www-authenticate') ?? '').startsWith('Token')) {
      await renewed(token)
      continue
    }
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({}))
      throw new Refused(answer.status, said.code ?? '', said.message ?? `the server answered ${answer.status}`)
    }
    return answer
  }
}

/** Waits for a token other than the one that was refused; however many requests wait, the user is asked once. */
async function renewed(refused) {
  if (sessionStorage.getItem(TOKEN) !== refused) return
  asking ??= askForToken(refused !== null).then((token) => { sessionStorage.setItem(TOKEN, token) }).finally(() => { asking = null })
  await asking
}

/** A JSON answer. Raises Refused; a TypeError where the server is not there. */
export const ask = async (path, options) => (await request(path, options)).json()

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true }) // a mark at the beginning is why a body was refused: it is shown

/** An answer's text, whole; bytes that are no UTF-8 are U+FFFD in it. */
export const text = async (path, options) => utf8.decode(await (await request(path, options)).arrayBuffer())

/** An answer as a file to be saved. */
export const blob = async (path, options) => (await request(path, options)).blob()

/** Server-sent events, {id, event, data}, until the server ends them. EventSource cannot send a token, so they are read by hand (WHATWG HTML 9.2.6). */
export async function* stream(path, query, lastId, signal) {
  const answer = await request(path, { query, signal, headers: lastId === null ? {} : { 'Last-Event-ID': String(lastId) } })
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
      yield { id: fields.get('id') ?? null, event: fields.get('event') ?? null, data: fields.get('data') ?? '' }
    }
  }
}
