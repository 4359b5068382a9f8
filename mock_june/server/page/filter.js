// The filter: the control API's parameters, as a Map; in the URL as a query, in the search field as `name:value`.

const NAMES = ['kind', 'accepted', 'rule', 'userId', 'anonymousId', 'groupId', 'event', 'path', 'workspace']
const KINDS = ['identify', 'group', 'track', 'page', 'screen', 'alias']
const TERM = /(?:([A-Za-z_]+):)?("(?:[^"\\]|\\.)*"?|\S+)/g

/** What a search text asks: {filter, error}. What the names mean is for the server to say; here is only how they are written. */
export function parse(text) {
  const filter = new Map()
  for (const [whole, name, value] of text.matchAll(TERM)) {
    const [said, plain] = name ? [name, unquoted(value)] : bare(unquoted(whole))
    if (said === null) return { filter, error: `“${plain}” has no name: write event:${quoted(plain)}, userId:${quoted(plain)} or the like` }
    if (filter.has(said)) return { filter, error: `${said} is given twice` }
    filter.set(said, plain)
  }
  return { filter, error: '' }
}

/** A word without a name, where only one thing can be meant. */
function bare(word) {
  if (KINDS.includes(word)) return ['kind', word]
  if (word === 'accepted' || word === 'rejected') return ['accepted', String(word === 'accepted')]
  return word.endsWith(':') && word.length > 1 ? [word.slice(0, -1), ''] : [null, word]
}

const unquoted = (text) => (text.startsWith('"') ? text.slice(1, text.length > 1 && text.endsWith('"') ? -1 : undefined).replace(/\\(.)/gs, '$1') : text)
const quoted = (text) => (text === '' || /[\s"]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text)

/** The search text of a filter; the workspace has a field of its own. */
export const written = (filter) => [...filter].filter(([name]) => name !== 'workspace').map(([name, value]) => `${name}:${quoted(value)}`).join(' ')

/** The filter that a URL holds. A name that no one knows stays, for the server to speak of. */
export const ofUrl = (search) => new Map(new URLSearchParams(search))

/** The URL's query of a filter; names in one order, so that one filter has one address, the unknown ones last. */
export function toUrl(filter) {
  const known = NAMES.filter((name) => filter.has(name))
  const others = [...filter.keys()].filter((name) => !NAMES.includes(name))
  const query = new URLSearchParams([...known, ...others].map((name) => [name, filter.get(name)])).toString()
  return query ? `?${query}` : ''
}

/** The filter with one thing changed; the same value once more, or null, takes it away. */
export function toggled(filter, name, value) {
  const changed = new Map(filter)
  if (value === null || changed.get(name) === value) changed.delete(name)
  else changed.set(name, value)
  return changed
}
