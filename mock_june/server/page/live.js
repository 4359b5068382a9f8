// News from the event stream, without a gap: each connection begins where the one before ended.

import { Refused, stream } from './api.js'

const FIRST_WAIT = 500
const LONGEST_WAIT = 10_000

export class Live {
  /** `onNews(id, entries)`: so many entries have come, up to the call of that id. `onState`: 'live', 'lost' or 'refused'. `onBack`: after a loss. */
  constructor({ onNews, onState, onBack }) {
    this.onNews = onNews
    this.onState = onState
    this.onBack = onBack
    this.stopper = new AbortController()
  }

  /** Follows what holds the filter, from beyond the call of id `after`. */
  start(filter, after) {
    this.stop()
    this.stopper = new AbortController()
    this.run(filter, after, this.stopper.signal)
  }

  stop() {
    this.stopper.abort()
  }

  async run(filter, after, signal) {
    let last = after
    let wait = FIRST_WAIT
    let lost = false
    while (!signal.aborted) {
      try {
        for await (const { id, event, data } of stream('/_mock/stream', [...filter, ['form', 'counts']], last, signal)) {
          wait = FIRST_WAIT
          if (lost) this.onBack()
          lost = false
          this.onState('live')
          if (id !== null) last = Number(id)
          if (event === 'news') this.onNews(last, JSON.parse(data).entries)
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof Refused && error.status < 500) {
          this.onState('refused', error.message)
          return
        }
      }
      if (signal.aborted) return
      lost = true
      this.onState('lost')
      await new Promise((done) => { setTimeout(done, wait) })
      wait = Math.min(wait * 2, LONGEST_WAIT)
    }
  }
}
