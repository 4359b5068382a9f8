// node preflight.mjs SCHEMAS FILE: each line parsed by JSON.parse and held to the schemas by ajv, as well written as we can. Prints {"events", "bad", "seconds"}.
// It gives a verdict only: no warnings, no messages (allErrors is off), which is less than mock-june does.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const [schemas, file, modules] = process.argv.slice(2)
const require = createRequire(path.resolve(modules, 'x.js'))
const Ajv = require('ajv/dist/2020').default
const ajv = new Ajv({ strict: false })
const kinds = Object.fromEntries(['identify', 'group', 'track'].map(kind => [kind, ajv.compile(JSON.parse(fs.readFileSync(`${schemas}/${kind}.json`, 'utf8')))]))
const good = event => event !== null && typeof event === 'object' && Object.hasOwn(kinds, event.type) && kinds[event.type](event)

const input = fs.openSync(file, 'r')
const piece = Buffer.allocUnsafe(1 << 16)
let rest = Buffer.alloc(0)
let events = 0
let bad = 0
const begin = process.cpuUsage()
function one(text) {
  events++
  try {
    if (!good(JSON.parse(text))) bad++
  } catch {
    bad++
  }
}
for (let size; (size = fs.readSync(input, piece, 0, piece.length, null)); ) {
  const cut = piece.subarray(0, size).lastIndexOf(10)
  if (cut < 0) {
    rest = Buffer.concat([rest, piece.subarray(0, size)])
    continue
  }
  const text = (rest.length ? Buffer.concat([rest, piece.subarray(0, cut)]) : piece.subarray(0, cut)).toString('utf8')
  rest = Buffer.from(piece.subarray(cut + 1, size))
  for (const line of text.split('\n')) one(line)
}
if (rest.length) one(rest.toString('utf8'))
const { user, system } = process.cpuUsage(begin)
console.log(JSON.stringify({ events, bad, seconds: (user + system) / 1e6 }))
