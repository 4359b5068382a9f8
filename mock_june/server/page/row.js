// One row of the list.

import { h, seen, several } from './dom.js'

export const keyOf = (entry) => (entry.event === null ? `call=${entry.call}` : `event=${entry.event}`)

/** An empty row; `draw` fills it, again and again. */
export function make() {
  const part = (name, props = {}) => h('span', { class: name, ...props })
  const element = h('div', { class: 'row', role: 'option', 'aria-selected': 'false' })
  element.parts = {
    mark: part('mark'), at: h('time', { class: 'at' }), kind: part('kind'), name: part('name'), who: part('who'), note: part('note'), then: part('then'), batch: part('batch'), status: part('status'),
  }
  element.append(...Object.values(element.parts))
  return element
}

/** What a row says of an entry; undefined: it is not here yet. */
export function draw(element, entry) {
  const { parts } = element
  element.classList.toggle('waits', !entry)
  element.dataset.state = entry ? stateOf(entry) : ''
  element.dataset.kind = entry?.kind ?? ''
  if (!entry) {
    for (const part of Object.values(parts)) part.textContent = ''
    return
  }
  parts.mark.textContent = WORDS[stateOf(entry)]
  parts.at.dateTime = entry.at
  parts.at.textContent = entry.at.startsWith(today()) ? entry.at.slice(11, 23) : `${entry.at.slice(5, 10)} ${entry.at.slice(11, 19)}`
  parts.kind.textContent = entry.kind ?? 'call'
  parts.name.textContent = titleOf(entry)
  parts.who.textContent = whoOf(entry) === titleOf(entry) ? '' : whoOf(entry)
  parts.note.textContent = noteOf(entry)
  parts.then.textContent = parts.note.textContent || entry.glance.timestamp === undefined ? '' : seen(`happened ${entry.glance.timestamp}`)
  parts.batch.textContent = entry.of > 1 ? `${entry.place} of ${entry.of}` : ''
  parts.status.textContent = entry.status
}

/** The day that it is now in UTC, as entries' times begin. */
const today = () => new Date().toISOString().slice(0, 10)

/** How an entry ended, in words. */
export const WORDS = { accepted: 'accepted', warned: 'accepted, with a warning', rejected: 'rejected', dragged: 'refused with its call', fault: 'met a fault' }

/** How an entry ended: accepted, warned, rejected, dragged (something else in its call was wrong), fault (a planned one spoilt it). */
export function stateOf(entry) {
  if (entry.fault && (!entry.accepted || entry.fault.when === 'after')) return 'fault'
  if (!entry.accepted) return entry.event !== null && entry.violations === 0 ? 'dragged' : 'rejected'
  return entry.warnings > 0 ? 'warned' : 'accepted'
}

/** What an entry is, in a word or two of its own. */
export function titleOf(entry) {
  if (entry.kind === null) return seen(`${entry.method} ${entry.path}`)
  const { event, name, groupId } = entry.glance
  const own = { track: event ?? 'no event name', group: groupId === undefined ? 'no groupId' : `company ${groupId}`, page: name, screen: name }[entry.kind]
  return seen(own ?? (whoOf(entry) || 'nobody'))
}

/** Of whom or of what company it speaks, beside its title. */
function whoOf(entry) {
  const { userId, anonymousId, groupId } = entry.glance
  const who = userId !== undefined ? `user ${userId}` : anonymousId !== undefined ? `visitor ${anonymousId}` : ''
  return seen(entry.kind === 'track' && groupId !== undefined ? `${who}, company ${groupId}` : who)
}

/** What is to be said about it. */
function noteOf(entry) {
  const { finding, fault } = entry
  if (fault && (!entry.accepted || fault.when === 'after')) return faultText(fault)
  const found = entry.violations + entry.warnings
  if (finding) return seen(finding.message) + (found > 1 ? ` (+${found - 1} more)` : '')
  if (entry.accepted) return ''
  return entry.event === null ? seen(entry.code ?? '') : WORDS.dragged
}

/** A fault in words. */
export function faultText(fault) {
  const does = []
  if (fault.delay != null) does.push(`${fault.delay} s late`)
  if (fault.status != null) does.push(`answered ${fault.status}`)
  if (fault.drop != null) does.push(fault.drop === 'truncate' ? 'answer cut short' : `connection ${fault.drop === 'reset' ? 'reset' : 'closed'}`)
  if (fault.rate != null) does.push(`at most ${several(fault.rate, 'call')} in ${fault.per} s`)
  return does.join(', ')
}
