// Reads [{schema, payloads}, ...] from stdin and writes [[valid, ...], ...]: plain ajv, given nothing but the schemas. node ajv.mjs NODE_MODULES
import { createRequire } from 'node:module'
import fs from 'node:fs'
import path from 'node:path'

const require = createRequire(path.join(path.resolve(process.argv[2]), 'from.js'))
const Ajv = require('ajv/dist/2020').default
const sets = JSON.parse(fs.readFileSync(0, 'utf8'))
const verdicts = sets.map(({ schema, payloads }) => payloads.map(payload => validator(schema)(payload)))

function validator(schema) {
  validator.made ??= new Map()
  if (!validator.made.has(schema)) validator.made.set(schema, new Ajv({ strict: false }).compile(schema))
  return validator.made.get(schema)
}

process.stdout.write(JSON.stringify(verdicts))
