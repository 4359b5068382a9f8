// The page: the filter in the search field and in the URL, the keys, and what is opened from the list.

import { onToken } from './api.js'
import * as detail from './detail.js'
import * as dialogs from './dialogs.js'
import { byId, number } from './dom.js'
import * as empty from './empty.js'
import * as filters from './filter.js'
import { Record } from './record.js'
import { keyOf } from './row.js'
import * as summary from './summary.js'
import * as workspaces from './workspaces.js'

const STATES = { live: 'live', lost: 'reconnecting', refused: 'stopped' }

const record = new Record(byId('list'), {
  onStats: (stats) => {
    summary.show(stats, record.filter)
    document.title = stats.calls.rejected > 0 ? `${number(stats.calls.rejected)} rejected · mock-june` : 'mock-june'
    empty.show(record.total, record.filter)
  },
  onNews: (waiting) => {
    byId('news').hidden = waiting === 0
    byId('news').textContent = `${number(waiting)} new`
    const said = waiting > 0 ? 'New events have come; n leads to them' : '' // not how many: a screen reader would read on and on
    if (byId('news-status').textContent !== said) byId('news-status').textContent = said
    if (waiting === 0) empty.show(record.total, record.filter)
  },
  onState: (state) => {
    byId('state').dataset.state = state
    byId('state').textContent = STATES[state]
  },
  onRefused: say,
  onOpen: open,
  onLook: () => dialogs.countFaults(),
})

function say(message) {
  byId('search-error').textContent = message
  if (message) byId('search').setAttribute('aria-invalid', 'true')
  else byId('search').removeAttribute('aria-invalid')
}

/** Under another filter: in the URL, in the field, in the list. */
function use(filter, push = true) {
  if (push) history.pushState(null, '', `/${filters.toUrl(filter)}`)
  byId('search').value = filters.written(filter)
  workspaces.choose(filter.get('workspace') ?? '')
  detail.close()
  say('')
  return record.load(filter)
}

function search() {
  const { filter, error } = filters.parse(byId('search').value)
  if (error) {
    say(error)
    return
  }
  const workspace = filter.get('workspace') ?? record.filter.get('workspace')
  use(workspace === undefined ? filter : filter.set('workspace', workspace))
}

/** Nothing but somebody, within the workspace: their timeline. */
function timeline(name, value) {
  const within = [...record.filter].filter(([each]) => each === 'workspace')
  use(new Map([...within, [name, value]]))
  detail.openTimeline(name, value, within)
}

function open(entry) {
  history.replaceState(null, '', `${location.pathname}${location.search}#${keyOf(entry)}`)
  detail.open(entry)
}

function closed() {
  history.replaceState(null, '', location.pathname + location.search)
  byId('list').focus({ preventScroll: true })
}

async function step(by) {
  const entry = await record.list.step(by)
  if (entry && detail.isOpen()) open(entry)
}

function pause(paused) {
  byId('pause').setAttribute('aria-pressed', String(paused))
  byId('pause').textContent = paused ? 'Resume' : 'Pause'
  record.pause(paused)
}

const KEYS = {
  '/': () => byId('search').select(),
  j: () => step(1),
  k: () => step(-1),
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Enter: () => { if (record.list.current) open(record.list.current) },
  Escape: () => (detail.isOpen() ? detail.close() : record.list.unchoose()),
  p: () => pause(!record.paused),
  n: () => record.top(),
  '?': () => dialogs.help(),
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  const field = event.target.closest('input, select, textarea')
  if (field) {
    if (event.key === 'Escape') byId('list').focus({ preventScroll: true })
    return
  }
  const own = event.target.closest('button, a, summary, .detail') // where these keys have their own meaning
  if (!(event.key in KEYS) || (own && (event.key === 'Enter' || event.key.startsWith('Arrow')))) return
  event.preventDefault()
  KEYS[event.key]()
}

onToken(dialogs.token)
summary.build((name, value) => use(filters.toggled(record.filter, name, value)))
detail.build({ onClose: closed, onTimeline: timeline, onEntry: open })
dialogs.build({ filter: () => record.filter, onReset: () => use(record.filter, false), onTerm: (term) => use(filters.parse(term).filter) })
workspaces.build((value) => use(filters.toggled(filters.toggled(record.filter, 'workspace', null), 'workspace', value || null)))
byId('search').addEventListener('keydown', (event) => { if (event.key === 'Enter') search() })
byId('search').addEventListener('search', () => { if (!byId('search').value) search() }) // its cross
byId('pause').addEventListener('click', () => pause(!record.paused))
byId('news').addEventListener('click', () => record.top())
document.addEventListener('keydown', pressed)
addEventListener('popstate', () => use(filters.ofUrl(location.search), false))
setInterval(() => summary.showRate(record.rate), 500)
const narrow = matchMedia('(max-width: 62rem)')
const fold = () => { byId('sides').open = !narrow.matches }
narrow.addEventListener('change', fold)
fold()
const asked = location.hash
use(filters.ofUrl(location.search), false).then(() => detail.openByHash(asked))
