// One row of the list.

import { h, seen, setTime, several } from './dom.js'

export const keyOf = (entry) => (entry.event === null ? `call=${entry.call}` : `event=${entry.event}`)

/** An empty row; `draw` fills it, again and again. */
export function make() {
  const part = (name, props = {}) => h('span', { class: name, ...props })
  const element = h('div', { class: 'row', role: 'option', 'aria-selected': 'false' })
  element.parts = {
    mark: part('mark'), at: h('time', { class: 'at' }), kind: part('kind'), name: part('name'), who: part('who'), note: part('note'), batch: part('batch'), status: part('status'),
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
  setTime(parts.at, entry.at)
  parts.kind.textContent = entry.kind ?? 'call'
  parts.name.textContent = titleOf(entry)
  parts.who.textContent = whoOf(entry)
  parts.note.textContent = noteOf(entry)
  parts.note.title = parts.note.textContent
  parts.batch.textContent = entry.of > 1 ? `${entry.place} of ${entry.of}` : ''
  parts.batch.title = entry.of > 1 ? `event ${entry.place} of the ${several(entry.of, 'event')} of call ${entry.call}` : ''
  parts.status.textContent = entry.status
}

const WORDS = { accepted: 'accepted', warned: 'accepted, with a warning', rejected: 'rejected', fault: 'fault' }

/** How an entry ended: accepted, warned, rejected, fault (a planned one spoilt it). */
export function stateOf(entry) {
  if (entry.fault && (!entry.accepted || entry.fault.when === 'after')) return 'fault'
  if (!entry.accepted) return 'rejected'
  return entry.warnings > 0 ? 'warned' : 'accepted'
}

/** What an entry is, in a word or two of its own. */
export function titleOf(entry) {
  if (entry.kind === null) return seen(`${entry.method} ${entry.path}`)
  const { event, groupId, userId, anonymousId } = entry.glance
  if (entry.kind === 'group') return seen(groupId ?? 'no groupId')
  return seen(event ?? (entry.kind === 'track' ? 'no event name' : userId ?? anonymousId ?? 'nobody'))
}

/** Of whom or of what company it speaks, beside its title. */
export function whoOf(entry) {
  const { userId, anonymousId, groupId } = entry.glance
  const who = userId !== undefined ? `user ${userId}` : anonymousId !== undefined ? `visitor ${anonymousId}` : ''
  return seen(entry.kind === 'track' && groupId !== undefined ? `${who}, company ${groupId}` : who)
}

/** What is to be said about it. */
export function noteOf(entry) {
  const { finding, fault } = entry
  if (fault && (!entry.accepted || fault.when === 'after')) return faultText(fault)
  const found = entry.violations + entry.warnings
  if (finding) return seen(finding.message) + (found > 1 ? ` (+${found - 1} more)` : '')
  if (entry.accepted) return ''
  return entry.event === null ? seen(entry.code ?? '') : 'refused with its batch'
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
