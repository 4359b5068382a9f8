// Reads {name: code} from stdin, runs each by itself, and writes {name: its `payload`, else its `body` as text, or {error}}.
import fs from 'node:fs'

const results = {}
for (const [name, code] of Object.entries(JSON.parse(fs.readFileSync(0, 'utf8')))) {
  try {
    results[name] = new Function(`${code}\nreturn typeof body === 'undefined' ? { payload } : { body: body.toString() }`)()
  } catch (error) {
    results[name] = { error: String(error) }
  }
}
process.stdout.write(JSON.stringify(results))
