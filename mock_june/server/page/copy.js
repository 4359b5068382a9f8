// A call or an event as something to paste: a shell line, Python, a test's assertion. Made of the payload's text, so that nothing is lost on the way.

import { seen } from './dom.js'
import { lines } from './json.js'

const KEY = 'my-api-key'
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const KEYWORDS = new Set('False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(' '))
const TAKEN = new Set(['type', 'self', 'kind', 'count', 'at_least', 'within', 'attempts']) // what assert_received means otherwise

/** A text as one word of a shell. What cannot be seen is written out: pasted, a control character would act on the terminal. */
export const shell = (text) => `'${seen(text).replaceAll("'", "'\\''")}'`

/** The same characters in octal, as printf's format has them. */
const octal = (text) => [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')

/** A text as a string literal of Python. */
function literal(text) {
  const escaped = text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')
  return `"${escaped.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).replace(/\\u(d[89ab]..)\\u(d[c-f]..)/g, (_, a, b) => String.fromCharCode(Number.parseInt(a, 16), Number.parseInt(b, 16)))}"`
}

/** JSON text, or lines of it, as an expression of Python; its further lines begin with `indent`. */
export function python(json, indent = '') {
  const all = typeof json === 'string' ? lines(json) : json
  return all.map((line, place) => {
    const key = line.key === null || line === json[0] ? '' : `${literal(JSON.parse(line.key))}: `
    const comma = line.comma && line !== json.at?.(-1) ? ',' : ''
    return (place === 0 ? '' : indent + '    '.repeat(line.depth - all[0].depth)) + key + value(line) + comma
  }).join('\n')
}

function value({ text, sort }) {
  if (sort === 'string') return literal(JSON.parse(text))
  if (sort === 'word') return { true: 'True', false: 'False', null: 'None' }[text] ?? text
  return text
}

/** The lines of each member of a JSON object, by its name; of duplicates the last one's. */
function members(json) {
  const found = new Map()
  let current = null
  for (const line of lines(json).slice(1, -1)) {
    if (line.depth === 1 && line.key !== null) found.set(JSON.parse(line.key), current = [])
    current?.push(line)
  }
  return found
}

/** A request as a shell line. */
export function curl({ path, type, body }) {
  const parts = [`curl ${shell(location.origin + path)}`, `-H ${shell(`Authorization: Basic ${KEY}`)}`]
  if (type) parts.push(`-H ${shell(`Content-Type: ${type}`)}`)
  const isPlain = seen(body) === body
  parts.push(isPlain ? `--data-raw ${shell(body)}` : '--data-binary @-') // raw: a body that begins with @ names no file
  const line = parts.join(' \\\n  ')
  return isPlain ? line : `printf -- ${shell(seen(body.replaceAll('\\', '\\\\').replaceAll('%', '%%'), octal))} |\n  ${line}`
}

/** A request as Python. */
export function requests({ path, body, isJson }) {
  const argument = isJson ? `json=${python(body, '    ')}` : `data=${literal(body)}.encode()`
  return `import requests\n\nanswer = requests.post(\n    ${literal(location.origin + path)},\n    headers={"Authorization": "Basic ${KEY}"},\n    ${argument},\n)\nprint(answer.status_code, answer.text)`
}

/** An event as an assertion that it came. */
export function assertion(kind, json) {
  const own = [...members(json)].filter(([name]) => !TAKEN.has(name))
  const isName = (name) => NAME.test(name) && !KEYWORDS.has(name)
  const named = own.filter(([name]) => isName(name)).map(([name, all]) => `${name}=${python(all, '        ')},`)
  const odd = own.filter(([name]) => !isName(name)).map(([name, all]) => `**{${literal(name)}: ${python(all, '        ')}},`)
  const said = [`${literal(kind)},`, 'count=1,', ...named, ...odd].map((line) => `        ${line}`).join('\n')
  return `def test_it_arrives(june):\n    ...  # what sends it, to june.url with june.key\n    june.assert_received(\n${said}\n    )\n`
}

/** A refused event as an assertion that it is refused by this rule. */
export const refusal = (rule) => `def test_it_is_refused(june):\n    ...  # what sends it, to june.url with june.key\n    june.assert_rejected(${literal(rule)})\n`
