// One entry, whole: its payload with what is wrong marked where it is wrong, the request, the answer; and what to copy from it.

import { ask, text } from './api.js'
import * as copying from './copy.js'
import { byId, bytes, copy, h, seen, several, time } from './dom.js'
import { lines, nameOf, placed } from './json.js'
import { faultText, keyOf, stateOf, titleOf, WORDS } from './row.js'
import { SUBJECTS, timeline } from './timeline.js'

const READ = 256_000 // bytes that are shown without being asked for
const LINES = 1500 // lines that are shown at once
const LONG = 1500 // characters of a value that are shown
const DEEP = 24 // levels that are indented

let onClose = () => {}
let onTimeline = () => {}
let onEntry = () => {}
let opened = null // the key of what is open

export function build(hears) {
  onClose = hears.onClose
  onTimeline = hears.onTimeline
  onEntry = hears.onEntry
}

export const isOpen = () => opened !== null

export function close() {
  if (opened === null) return
  opened = null
  byId('detail').hidden = true
  document.body.classList.remove('detailed')
  onClose()
}

/** Opens what a URL's fragment names: #event=34, #call=12. */
export async function openByHash(hash) {
  const [, what, id] = /^#(event|call)=(\d+)$/.exec(hash) ?? []
  if (what === 'event') {
    const event = await ask(`/_mock/events/${id}`, { query: [['form', 'brief']] }).catch(() => null)
    if (event) open(await entryOf(event.call, Number(id)))
  } else if (what === 'call') open(await entryOf(Number(id), null))
}

/** The list's entry of an event or a call. */
async function entryOf(call, event) {
  const at = async (skip) => (await ask('/_mock/entries', { query: [['upto', call], ['skip', skip], ['limit', 1]] })).entries[0]
  const last = await at(0)
  return event === null || last === undefined ? last : at(last.event - event) // the events of a call are numbered in a row
}

/** Opens an entry of the list. */
export async function open(entry) {
  if (!entry) return
  await fill(keyOf(entry), async () => {
    const [call, event] = await Promise.all([
      ask(`/_mock/calls/${entry.call}`, { query: [['form', 'brief']] }),
      entry.event === null ? null : ask(`/_mock/events/${entry.event}`, { query: [['form', 'brief']] }),
    ])
    return parts(entry, call, event, event ? await payload(event) : await body(call))
  }, [head(entry)])
}

/** Fills the pane with what `make` gives, if nothing else was opened meanwhile; with `instead` and what went wrong where it fails. */
async function fill(key, make, instead) {
  const first = opened === null
  opened = key
  const element = byId('detail')
  element.hidden = false
  document.body.classList.add('detailed')
  element.setAttribute('aria-busy', 'true')
  const made = await make().catch((error) => [...instead, h('p', { class: 'gone', role: 'alert' }, seen(error.message))])
  if (opened !== key) return
  element.replaceChildren(...made)
  element.removeAttribute('aria-busy')
  element.scrollTop = 0
  if (first) element.focus({ preventScroll: true })
}

/** Opens all that came of somebody. `query`: the workspace, where one is chosen. */
export async function openTimeline(name, value, query) {
  const key = `${name}=${value}`
  const title = `${SUBJECTS.get(name)} ${seen(value)}`
  await fill(key, async () => [
    h('header', { class: 'detail-head' }, h('div', {}, h('p', { class: 'over' }, h('span', { class: 'kind' }, 'timeline')), h('h2', {}, title)), closeButton()),
    ...await timeline(name, value, query, onEntry),
  ], [h('h2', {}, title), closeButton()])
}

/** The text of a payload; null: too long to be shown unasked. */
const payload = (event) => (event.payload_bytes > READ ? null : text(`/_mock/events/${event.id}/payload`))
const body = (call) => (call.body_bytes > READ ? null : text(`/_mock/calls/${call.id}/body`))

function parts(entry, call, event, source) {
  return [
    head(entry),
    actions(entry, call, event, source),
    entry.fault && h('p', { class: 'notice fault' }, h('strong', {}, 'A planned fault met this call: '), faultText(entry.fault)),
    event && !event.accepted && event.violations.length === 0 && !entry.fault && h('p', { class: 'notice' }, h('strong', {}, 'Refused with its call. '), 'This event keeps its rules; something else in the call does not.'),
    ...(event ? eventParts(event, source) : callParts(call, source)),
    request(call, event),
    answer(call),
  ].filter(Boolean)
}

function head(entry) {
  const state = stateOf(entry)
  return h('header', { class: 'detail-head' },
    h('div', {},
      h('p', { class: 'over' }, h('span', { class: 'kind', 'data-kind': entry.kind ?? '' }, entry.kind ?? 'call'), h('span', { class: 'verdict', 'data-state': state }, `${entry.status} · ${WORDS[state]}`)),
      h('h2', {}, titleOf(entry)),
      h('p', { class: 'under' }, time(entry.at), ` · call ${entry.call}`, entry.of > 1 && `, event ${entry.place} of ${entry.of}`, entry.workspace && ` · ${entry.workspace}`)),
    closeButton())
}

const closeButton = () => h('button', { type: 'button', class: 'close', 'aria-label': 'Close', click: close }, '×')

function actions(entry, call, event, source) {
  const { userId, anonymousId, groupId } = entry.glance
  const line = (name, value) => typeof value === 'string' && h('button', { type: 'button', click: () => onTimeline(name, value) }, `Timeline of ${SUBJECTS.get(name)} ${seen(value)}`)
  const timelines = [line('userId', userId), line('anonymousId', userId === undefined && anonymousId), line('groupId', groupId)].filter(Boolean)
  const copies = []
  if (source !== null) {
    const path = event && entry.of > 1 ? `/sdk/${event.kind}` : call.path
    const isJson = event !== null || isJsonText(source)
    const as = (label, make) => h('button', { type: 'button', 'aria-label': `Copy as ${label}`, click: () => copy(make(), label) }, label)
    copies.push(
      as('curl', () => copying.curl({ path, type: call.headers['content-type'] ?? (event ? 'application/json' : ''), body: source })),
      as('Python', () => copying.requests({ path, body: source, isJson })),
    )
    const rule = (event?.violations[0] ?? call.violations[0])?.rule
    if (event?.accepted) copies.push(as('pytest', () => copying.assertion(event.kind, source)))
    else if (rule) copies.push(as('pytest', () => copying.refusal(rule)))
  }
  return h('div', { class: 'actions' },
    copies.length > 0 && h('div', { class: 'group', role: 'group', 'aria-label': 'Copy as' }, h('span', { class: 'group-label', 'aria-hidden': 'true' }, 'Copy'), copies),
    timelines.length > 0 && h('div', { class: 'group', role: 'group', 'aria-label': 'Timelines' }, timelines))
}

function isJsonText(source) {
  try {
    JSON.parse(source)
    return true
  } catch {
    return false
  }
}

function eventParts(event, source) {
  const findings = [...event.violations, ...event.warnings]
  const link = `/_mock/events/${event.id}/payload`
  if (findings.length > 0) suggest(event)
  if (source === null) return [h('h3', {}, 'Payload'), tooLong(event.payload_bytes, link, async () => code(await text(link), findings, 'Payload')), ...findings.map(note)]
  return [h('h3', {}, 'Payload'), code(source, findings, 'Payload')]
}

function callParts(call, source) {
  const found = call.violations
  const more = call.violations_total - found.length
  const link = `/_mock/calls/${call.id}/body`
  const shown = source === null
    ? tooLong(call.body_bytes, link, async () => plain(await text(link)))
    : source === '' ? h('p', { class: 'none' }, 'The body is empty.') : isJsonText(source) ? code(source, found, 'Body') : plain(source)
  const beside = source === null || !isJsonText(source) ? found.map(note) : []
  return [h('h3', {}, 'Body'), ...beside, shown, more > 0 && h('p', { class: 'none' }, `and ${several(more, 'further violation')}`)]
}

/** In place of a text of megabytes: what it is, and the choice to see it. */
function tooLong(size, link, make) {
  const element = h('p', { class: 'notice' }, `It has ${bytes(size)}. `,
    h('button', { type: 'button', click: async () => element.replaceWith(await make()) }, 'Show its beginning'), ' ',
    h('button', { type: 'button', click: async () => { location.assign(link) } }, 'Open it'))
  return element
}

const plain = (source) => h('pre', { class: 'code', tabindex: '0', 'aria-label': 'Body' }, seen(source.slice(0, READ)), source.length > READ && ' …')

/** JSON with its findings in place. */
function code(source, findings, label) {
  const made = lines(source)
  const { present, missing } = placed(made, findings)
  const element = h('div', { class: 'code', role: 'group', 'aria-label': label })
  const marked = [...present.keys(), ...missing.keys()]
  const put = (from, to) => {
    for (let number = from; number < Math.min(to, made.length); number += 1) {
      for (const finding of missing.get(number) ?? []) element.append(absent(made[number].depth + 1, finding), note(finding))
      const found = present.get(number) ?? []
      element.append(codeLine(made[number], found))
      element.append(...found.map(note))
    }
    if (to < made.length) {
      const left = made.length - to
      const beyond = marked.filter((number) => number >= to).length
      const button = h('button', { type: 'button', class: 'further', click: () => { button.remove(); put(to, to + LINES) } }, `${several(left, 'further line')}${beyond ? `, ${beyond} of them marked` : ''}`)
      element.append(button)
    }
  }
  put(0, LINES)
  return element
}

function codeLine({ depth, key, text: value, sort, comma }, found) {
  const severity = found.length === 0 ? null : found.some((finding) => finding.severity === 'error') ? 'error' : 'warning'
  const shown = value.length > LONG ? `${value.slice(0, LONG)}… (${value.length.toLocaleString('en-US')} characters)` : value
  const element = h('div', { class: 'line', 'data-severity': severity },
    key !== null && [h('span', { class: 'key' }, seen(key)), ': '], h(severity && key === null ? 'mark' : 'span', { class: sort }, seen(shown)), comma && ',')
  element.style.setProperty('--depth', Math.min(depth, DEEP))
  return element
}

/** The line of a member that is not there. */
function absent(depth, finding) {
  const element = h('div', { class: 'line absent', 'data-severity': finding.severity }, h('span', { class: 'key' }, seen(JSON.stringify(nameOf(finding.pointer)))), ': ', h('span', {}, 'missing'))
  element.style.setProperty('--depth', Math.min(depth, DEEP))
  return element
}

/** What is wrong, what to do, and, once asked, why and how: all in the server's words. */
function note(finding) {
  const more = h('details', { class: 'how' }, h('summary', {}, 'How to put it right'))
  more.addEventListener('toggle', async () => { if (more.open && more.childElementCount === 1) more.append(await remedy(finding.rule)) })
  const element = h('div', { class: 'note', role: 'note', 'data-severity': finding.severity },
    h('p', { class: 'said' }, seen(finding.message)), h('p', { class: 'hint' }, inline(finding.hint)),
    h('p', { class: 'rule' }, finding.rule), more)
  element.finding = finding
  return element
}

/** Puts the server's suggestions into the notes that they are for; the changes are those of a JSON Patch. */
async function suggest(event) {
  const key = opened
  const { changes } = await ask(`/_mock/events/${event.id}/fix`).catch(() => ({ changes: [] }))
  if (opened !== key) return
  const notes = [...byId('detail').querySelectorAll('.note')]
  for (const change of changes) {
    const place = notes.find((note) => note.finding.pointer === (change.from ?? change.path)) ?? notes.find((note) => note.finding.pointer === change.path)
    place?.querySelector('.hint').before(suggestion(change))
  }
}

function suggestion({ op, path, value, reason }) {
  const name = nameOf(path)
  const line = op === 'remove' ? '' : op === 'move' ? JSON.stringify(name) : `${JSON.stringify(name)}: ${JSON.stringify(value)}`
  const does = { remove: ['Leave it out'], move: ['Name it ', h('code', {}, seen(line))], add: ['Add ', h('code', {}, seen(line))], replace: ['Make it ', h('code', {}, seen(line))] }[op]
  return h('p', { class: 'suggested' }, h('strong', {}, 'Suggested: '), does, h('span', {}, ` (${seen(reason.slice(reason.indexOf(':') + 1).trim())})`))
}

async function remedy(id) {
  const rule = await ask(`/_mock/rules/${encodeURIComponent(id)}`).catch(() => null)
  if (!rule) return h('p', {}, 'This rule is no longer in force here.')
  const example = (title, code) => code && h('figure', {}, h('figcaption', {}, title), h('pre', { tabindex: '0', 'aria-label': title }, code.trim()))
  return h('div', {}, h('p', {}, inline(rule.why)), example('Right', rule.right), example('In Python', rule.python), example('In Node', rule.node))
}

/** A text with `code` in it. */
const inline = (said) => seen(said).split('`').map((part, place) => (place % 2 ? h('code', {}, part) : part))

function request(call, event) {
  const rows = Object.entries(call.headers).map(([name, value]) => h('tr', {}, h('th', { scope: 'row' }, seen(name)), h('td', {}, seen(value))))
  const size = `${bytes(call.body_bytes)}${call.events_total > 1 ? ` with ${several(call.events_total, 'event')}` : ''}`
  return h('section', {}, h('h3', {}, 'Request'), h('p', { class: 'request' }, h('code', {}, seen(`${call.method} ${call.path}`))),
    h('table', {}, h('caption', { class: 'quiet' }, 'Headers'), h('tbody', {}, rows)),
    h('p', { class: 'none' }, `Body of ${size}`, event && call.events_total > 1 && [', ', h('a', { href: `/_mock/calls/${call.id}/body`, download: `call-${call.id}.txt` }, 'save it')], '.'))
}

function answer(call) {
  return h('section', {}, h('h3', {}, 'Answer'), h('p', { class: 'request' }, h('code', {}, `${call.status}${call.code ? ` ${call.code}` : ''}`), ` after ${call.duration_ms.toLocaleString('en-US', { maximumFractionDigits: 2 })} ms`),
    code(JSON.stringify(call.answer), [], 'Answer'))
}
