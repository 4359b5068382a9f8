// What to do when there is nothing: lines that work as they stand.

import { ask } from './api.js'
import { byId, copy, h } from './dom.js'
import { shell } from './copy.js'

const MEMBERS = ['"type": "track"', '"event": "Registered"', '"userId": "1"', '"email": "ada@example.com"', '"timestamp": "2021-02-24T01:19:38.931Z"']
const PAYLOAD = (margin, end) => `{\n${MEMBERS.map((member) => `${margin}${member}`).join(',\n')}${end}\n${margin.slice(4)}}`
const KEY = 'my-api-key'

const FEW = 3 // entries that stand below the lines: whoever has tried the one may try the other

let drawn = ''
let begun = false

/** Shows, where there is nothing, how to begin, or, under a filter, that nothing holds it. The first entries come below the lines, then in their place. */
export async function show(total, filter) {
  const element = byId('empty')
  const begins = total > 0 && total <= FEW && drawn === 'bare' && !element.hidden && filter.size === 0
  element.classList.toggle('begins', begins)
  element.hidden = total > 0 && !begins
  if (begins && element.firstChild) element.firstChild.textContent = 'It has come: see below'
  begun ||= begins
  if (total > 0) return
  const state = filter.size > 0 ? 'filtered' : 'bare'
  if (state === drawn && !begun) return
  drawn = state
  begun = false
  if (state === 'filtered') {
    element.replaceChildren(h('h2', {}, 'Nothing matches'), h('p', {}, 'No call on record holds this filter. What comes and holds it will appear here.'))
    return
  }
  const { any_key: anyKey } = await ask('/_mock/workspaces').catch(() => ({ any_key: true }))
  const key = anyKey ? KEY : '$JUNE_API_KEY'
  const url = `${location.origin}/api/track`
  const curl = `curl ${url} \\\n  -H ${anyKey ? shell(`Authorization: Basic ${key}`) : `"Authorization: Basic ${key}"`} \\\n  -H 'Content-Type: application/json' \\\n  -d ${shell(PAYLOAD('    ', ''))}`
  const authorization = anyKey ? `"Basic ${key}"` : 'f"Basic {os.environ[\'JUNE_API_KEY\']}"'
  const python = `${anyKey ? '' : 'import os\n'}import json, urllib.request\n\npayload = ${PAYLOAD('    ', ',')}\nrequest = urllib.request.Request(\n    "${url}",\n    data=json.dumps(payload).encode(),\n    headers={\n        "Authorization": ${authorization},\n        "Content-Type": "application/json",\n    },\n)\nprint(urllib.request.urlopen(request).read().decode())`
  element.replaceChildren(
    h('h2', {}, 'Nothing has come yet'),
    h('p', {}, 'Send a first event. It appears here at once.'),
    h('div', { class: 'snippets' }, snippet('In a shell', curl), snippet('In Python', python)),
    h('p', { class: 'more' }, anyKey ? 'Any key that is not empty will do.' : 'The key is one of those that the fake was started with.', ' A backfill is pointed here by its URL: ', h('code', {}, location.origin), ' in place of ', h('code', {}, 'https://api.june.so'), '.',
      location.protocol === 'https:' && [' The certificate is of the fake’s own making: name its authority’s, with ', h('code', {}, '--cacert FILE'), ' or in ', h('code', {}, 'SSL_CERT_FILE'), '.']),
  )
}

const snippet = (title, code) => h('figure', { class: 'snippet' },
  h('figcaption', {}, title, h('button', { type: 'button', 'aria-label': `Copy: ${title}`, click: () => copy(code, 'Snippet') }, 'Copy')),
  h('pre', { tabindex: '0', 'aria-label': title }, h('code', {}, code)))
