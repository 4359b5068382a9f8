// JSON text as lines to be shown: as it came, with each member's JSON Pointer (RFC 6901). Nothing is parsed into objects, so duplicate members, long numbers
// and names such as __proto__ are seen as they are.

const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+)/y
const step = (text) => text.replaceAll('~', '~0').replaceAll('/', '~1')

/** Lines {depth, pointer, key, text, sort, comma, close}: `key` and `text` as they stand, `sort` of the text; `close`: what it closes began elsewhere. */
export function lines(source) {
  const made = []
  const open = [] // {pointer, array, count, line}
  let key = null
  let position = 0
  const where = () => {
    const inside = open.at(-1)
    if (!inside) return ''
    return inside.array ? `${inside.pointer}/${inside.count}` : `${inside.pointer}/${step(JSON.parse(key))}`
  }
  const put = (text, sort) => {
    made.push({ depth: open.length, pointer: where(), key, text, sort, comma: false, close: null })
    key = null
  }
  while (position < source.length) {
    TOKEN.lastIndex = position
    const match = TOKEN.exec(source)
    if (!match) break
    position = TOKEN.lastIndex
    const [, token] = match
    const inside = open.at(-1)
    if (token === '{' || token === '[') {
      const pointer = where()
      put(token, 'open')
      open.push({ pointer, array: token === '[', count: 0, line: made.length - 1 })
    } else if (token === '}' || token === ']') {
      const closed = open.pop()
      if (closed && closed.line === made.length - 1) made[closed.line].text += token // {} and []
      else made.push({ depth: open.length, pointer: null, key: null, text: token, sort: 'open', comma: false, close: closed?.pointer ?? '' })
    } else if (token === ',') {
      made.at(-1).comma = true
      if (inside) inside.count += 1
    } else if (token === ':') {
      continue
    } else if (token.startsWith('"') && inside && !inside.array && key === null) {
      key = token
    } else {
      put(token, token.startsWith('"') ? 'string' : /^[-\d]/.test(token) ? 'number' : 'word')
    }
  }
  return made
}

/** Where findings stand: a Map from a line's number to its findings, and one from the number of a closing line to those of members that are missing. */
export function placed(made, findings) {
  const at = new Map() // pointer -> line; of duplicate members the last one counts
  const closing = new Map()
  made.forEach((line, number) => {
    if (line.pointer !== null) at.set(line.pointer, number)
    if (line.close !== null) closing.set(line.close, number)
  })
  const present = new Map()
  const missing = new Map()
  const add = (map, number, finding) => map.set(number, [...(map.get(number) ?? []), finding])
  for (const finding of findings) {
    let { pointer } = finding
    if (at.has(pointer)) {
      add(present, at.get(pointer), finding)
      continue
    }
    while (pointer && !at.has(pointer)) pointer = pointer.slice(0, pointer.lastIndexOf('/'))
    if (closing.has(pointer)) add(missing, closing.get(pointer), finding)
    else add(present, at.get(pointer) ?? 0, finding)
  }
  return { present, missing }
}

/** A pointer's last step, as a name. */
export const nameOf = (pointer) => pointer.slice(pointer.lastIndexOf('/') + 1).replaceAll('~1', '/').replaceAll('~0', '~')
