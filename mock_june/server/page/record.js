// The record under one filter: how much there is, how much has come since, and a list that goes along with it or stands still.
//
// The list is what had come by one call, its anchor; the stream tells how many entries each stretch of ids beyond it has. So "12 new" is a sum, nothing is
// fetched for it, and however much comes costs a few bytes.

import { ask, Refused } from './api.js'
import { List } from './list.js'
import { Live } from './live.js'
import * as row from './row.js'

const TICK = 250 // ms between two looks at the top of a list that grows
const LOOK = 3000 // ms between two looks at whether somebody else has changed the record
const REST = 1000 // ms between two counts, at least
const RATE_SPAN = 5000 // ms

export class Record {
  /** `onStats(stats)`, `onNews(waiting)`, `onState(state)`, `onRefused(message)`, `onOpen(entry)` say what is to be shown. */
  constructor(root, hears) {
    this.hears = hears
    this.filter = new Map()
    this.stats = null
    this.cursor = 0 // the last call that the stream told of
    this.fresh = [] // {id, entries}: what it told of since the last count or the list's anchor
    this.recent = [] // {at, entries}: what came in the last seconds
    this.paused = false
    this.epoch = 0
    this.timers = { tick: 0, count: 0, due: 0 }
    this.totals = ''
    this.list = new List(root, {
      fetch: async (anchor, skip, limit) => (await ask('/_mock/entries', { query: [...this.filter, ['upto', anchor], ['skip', skip], ['limit', limit]] })).entries,
      make: row.make,
      draw: row.draw,
      keyOf: row.keyOf,
      onOpen: hears.onOpen,
      onTop: () => this.tick(),
      onError: (error) => this.failed(error),
    })
    this.live = new Live({
      onNews: (id, entries) => this.news(id, entries),
      onState: (state, message) => { hears.onState(state); if (message) hears.onRefused(message) },
      onBack: () => this.countSoon(),
    })
    setInterval(() => this.look(), LOOK)
  }

  /** Anew, under this filter. */
  async load(filter = this.filter) {
    this.epoch += 1
    const { epoch } = this
    this.filter = filter
    this.live.stop()
    try {
      this.totals = await totals()
      const stats = await ask('/_mock/stats', { query: filter })
      if (epoch !== this.epoch) return
      this.fresh = []
      this.cursor = stats.last
      this.list.show(stats.last, stats.entries)
      this.take(stats)
      this.live.start(filter, stats.last)
    } catch (error) {
      if (epoch !== this.epoch) return
      this.failed(error)
      if (!(error instanceof Refused)) setTimeout(() => { if (epoch === this.epoch) this.load() }, LOOK)
    }
  }

  get total() { return (this.stats?.entries ?? 0) + this.since(this.stats?.last ?? 0) }

  /** How many have come that the list has not. */
  get waiting() { return this.since(this.list.anchor) }

  since(id) {
    return this.fresh.reduce((sum, news) => sum + (news.id > id ? news.entries : 0), 0)
  }

  /** Entries a second, now. */
  get rate() {
    const since = performance.now() - RATE_SPAN
    this.recent = this.recent.filter(({ at }) => at > since)
    return (this.recent.reduce((sum, news) => sum + news.entries, 0) / RATE_SPAN) * 1000
  }

  news(id, entries) {
    this.cursor = id
    this.fresh.push({ id, entries })
    this.recent.push({ at: performance.now(), entries })
    this.timers.tick ||= setTimeout(() => { this.timers.tick = 0; this.tick() }, TICK)
    if (this.list.total === 0) this.tick()
    this.countSoon()
  }

  /** The list goes along, where it is looked at from its top; else it is told how many wait. */
  tick(force = false) {
    if (force || (!this.paused && this.list.atTop)) this.list.advance(this.cursor, this.total, this.waiting)
    else this.list.resize(this.total - this.waiting)
    this.hears.onNews(this.waiting)
  }

  /** To the newest. */
  top() {
    this.list.toTop()
    this.tick(true)
  }

  pause(paused) {
    this.paused = paused
    this.tick()
  }

  /** Counts anew, soon, but for a tenth of the time at most: counting a record of a million takes a second. */
  countSoon() {
    this.timers.count ||= setTimeout(() => this.count(), Math.max(0, this.timers.due - performance.now()))
  }

  async count() {
    const { epoch, cursor } = this
    const begun = performance.now()
    const stats = await ask('/_mock/stats', { query: this.filter }).catch(() => null) // that the server is gone, the stream tells
    this.timers.count = 0
    this.timers.due = performance.now() + Math.max(REST, 9 * (performance.now() - begun))
    if (stats === null || epoch !== this.epoch) return
    if (stats.last < cursor) { // another journal
      this.load()
      return
    }
    this.take(stats)
    this.tick()
  }

  take(stats) {
    this.stats = stats
    const { anchor } = this.list
    const waiting = this.fresh.filter(({ id }) => id > anchor && id <= stats.last)
    const later = this.fresh.filter(({ id }) => id > stats.last)
    const sum = waiting.reduce((all, news) => all + news.entries, 0)
    this.fresh = sum > 0 ? [{ id: waiting.at(-1).id, entries: sum }, ...later] : later
    this.hears.onStats(stats)
  }

  /** Whether somebody else has changed the record: the stream tells of what comes, not of what goes. */
  async look() {
    if (document.hidden || this.stats === null) return
    const now = await totals().catch(() => this.totals)
    if (now !== this.totals) this.countSoon()
    this.totals = now
    this.hears.onLook()
  }

  failed(error) {
    this.hears.onState(error instanceof Refused ? 'refused' : 'lost')
    if (error instanceof Refused) this.hears.onRefused(error.message)
  }
}

/** What of a record changes with whatever happens to it. */
async function totals() {
  const { calls, events, rejected, last_call: last } = await ask('/_mock/health')
  return [calls, events, rejected, last].join()
}
