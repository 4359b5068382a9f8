// All that came of one user, visitor or company, in the order in which it happened: by the payloads' own timestamps, which a backfill sends years late.

import { ask } from './api.js'
import { h, number, seen, several } from './dom.js'
import { stateOf, titleOf, WORDS } from './row.js'

const MOST = 1000 // entries that are read; of more, the newest

export const SUBJECTS = new Map([['userId', 'user'], ['anonymousId', 'visitor'], ['groupId', 'company']])

/** The parts of a timeline, within the workspace that `query` names. `onOpen(entry)`: one of its events was chosen. */
export async function timeline(name, value, query, onOpen) {
  const { entries } = await ask('/_mock/entries', { query: [...query, [name, value], ['limit', MOST]] })
  const dated = entries.map((entry) => ({ entry, moment: momentOf(entry) })).sort((a, b) => a.moment - b.moment || a.entry.event - b.entry.event)
  const days = Map.groupBy(dated, ({ moment }) => new Date(moment).toISOString().slice(0, 10))
  const span = dated.length > 0 ? `, ${[...new Set([[...days.keys()][0], [...days.keys()].at(-1)])].join(' to ')}` : ''
  return [
    h('p', { class: 'under' }, `${several(entries.length, 'event')}${entries.length === MOST ? `, the newest ${number(MOST)}` : ''}${span}; by their own time where they tell it, in UTC`),
    h('ol', { class: 'timeline' }, [...days].map(([day, events]) => h('li', {}, h('h3', {}, day), h('ol', {}, events.map((each) => line(each, onOpen)))))),
  ]
}

/** When an entry happened, in ms: by its timestamp, else when it came. */
function momentOf({ at, glance }) {
  const own = typeof glance.timestamp === 'string' ? Date.parse(glance.timestamp) : Number.NaN
  return Number.isNaN(own) ? Date.parse(at) : own
}

const line = ({ entry, moment }, onOpen) => h('li', {}, h('button', { type: 'button', 'data-state': stateOf(entry), click: () => onOpen(entry) },
  h('span', { class: 'mark' }, WORDS[stateOf(entry)]), h('span', { class: 'at' }, new Date(moment).toISOString().slice(11, 19)), h('span', { class: 'kind' }, entry.kind), h('span', { class: 'name' }, seen(titleOf(entry)))))
