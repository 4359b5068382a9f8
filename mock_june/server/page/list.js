// A list of any length: only the rows in sight are elements, and only the stretches around them are in memory.

const STRETCH = 100 // entries that are fetched at once
const KEPT = 30 // stretches in memory
const AT_ONCE = 3 // requests under way: while the list flies by, only what it comes to rest on is worth asking for
const BEYOND = 8 // rows drawn beyond the edges of what is in sight
const TALLEST = 8_000_000 // pixels; browsers cut an element that is taller than some 16 million

export class List {
  /** `fetch(anchor, skip, limit)` gives entries, `make()` a row, `draw(row, entry)` fills it; `onOpen(entry)`: a row was chosen; `onTop(isAt)`. */
  constructor(root, { fetch, make, draw, keyOf, onOpen, onTop, onError }) {
    Object.assign(this, { root, fetch, make, draw, keyOf, onOpen, onTop, onError })
    this.space = document.createElement('div')
    this.space.setAttribute('role', 'presentation')
    this.space.className = 'space'
    root.append(this.space)
    this.rows = new Map() // index -> element
    this.spare = []
    this.stretches = new Map() // number -> entries, the one used last at the end
    this.asked = new Set()
    this.old = null // what was there before the anchor moved, to be seen until the new is here
    this.total = 0
    this.anchor = 0
    this.epoch = 0
    this.chosen = null // {key, index}
    this.drawing = 0
    root.addEventListener('scroll', () => { this.later(); this.onTop(this.atTop) }, { passive: true })
    this.row = 40 // pixels of a row
    new ResizeObserver(() => { this.row = Number.parseFloat(getComputedStyle(root).getPropertyValue('--row')); this.later() }).observe(root)
    root.addEventListener('click', (event) => this.clicked(event))
  }

  get atTop() { return this.root.scrollTop < 4 }

  /** Anew: `total` entries of the calls up to the id `anchor`. */
  show(anchor, total) {
    this.epoch += 1
    this.stretches.clear()
    this.asked.clear()
    this.old = null
    this.chosen = null
    this.place(anchor, total)
    this.root.scrollTop = 0
    this.later()
  }

  /** The same list when `came` entries more have come: what is in sight stays so until what is new is here. */
  advance(anchor, total, came) {
    if (anchor === this.anchor && total === this.total) return
    const held = this.stretches.size > 0 || this.old === null
    this.old = held ? { stretches: this.stretches, shift: came } : { stretches: this.old.stretches, shift: this.old.shift + came }
    this.stretches = new Map()
    this.asked.clear()
    this.epoch += 1
    if (this.chosen) this.chosen.index += came
    this.place(anchor, total)
    this.later()
  }

  /** The same list with fewer entries at its end, or other ones: they are asked for anew. */
  resize(total) {
    if (total !== this.total) this.advance(this.anchor, total, 0)
  }

  place(anchor, total) {
    this.anchor = anchor
    this.total = total
    this.later()
  }

  toTop() {
    this.root.scrollTop = 0
    this.later()
  }

  /** The chosen entry, if it is in memory. */
  get current() { return this.chosen ? this.at(this.chosen.index) : undefined }

  /** Chooses the next entry (1) or the one before (-1). Gives it, once it is here. */
  async step(by) {
    if (this.total === 0) return undefined
    const index = this.chosen ? Math.min(Math.max(this.chosen.index + by, 0), this.total - 1) : Math.min(this.first(), this.total - 1)
    if (!this.at(index)) await this.load(Math.floor(index / STRETCH))
    return this.choose(index)
  }

  choose(index) {
    const entry = this.at(index)
    if (!entry) return undefined
    this.chosen = { key: this.keyOf(entry), index }
    this.reveal(index)
    this.paint()
    return entry
  }

  unchoose() {
    this.chosen = null
    this.later()
  }

  at(index) {
    const entries = this.stretches.get(Math.floor(index / STRETCH))
    if (entries) return entries[index % STRETCH]
    if (!this.old) return undefined
    const then = index - this.old.shift
    return then < 0 ? undefined : this.old.stretches.get(Math.floor(then / STRETCH))?.[then % STRETCH]
  }

  /** How many pixels of the whole list one pixel of the scroll bar stands for. */
  ratio(row) {
    const tall = this.total * row
    const sight = this.root.clientHeight
    return tall <= TALLEST ? 1 : (tall - sight) / (TALLEST - sight)
  }

  first() {
    const { row } = this
    return Math.floor((this.root.scrollTop * this.ratio(row)) / row)
  }

  reveal(index) {
    const { row } = this
    const ratio = this.ratio(row)
    const offset = this.root.scrollTop * ratio
    const sight = this.root.clientHeight
    if (index * row < offset) this.root.scrollTop = (index * row) / ratio
    else if ((index + 1) * row > offset + sight) this.root.scrollTop = ((index + 1) * row - sight) / ratio
  }

  later() {
    this.drawing ||= requestAnimationFrame(() => { this.drawing = 0; this.paint() })
  }

  paint() {
    const { row } = this
    const sight = this.root.clientHeight
    this.space.style.height = `${Math.min(this.total * row, TALLEST)}px`
    const top = this.root.scrollTop
    const offset = top * this.ratio(row)
    const first = Math.max(0, Math.floor(offset / row) - BEYOND)
    const last = Math.min(this.total - 1, Math.ceil((offset + sight) / row) + BEYOND)
    for (const [index, element] of this.rows) {
      if (index < first || index > last) {
        this.rows.delete(index)
        this.spare.push(element)
      }
    }
    for (let index = first; index <= last; index += 1) this.paintRow(index, top + index * row - offset)
    for (const element of this.spare) if (!element.hidden) element.hidden = true
    for (let number = Math.floor(first / STRETCH); number * STRETCH <= last; number += 1) this.load(number)
    const chosen = this.chosen && this.rows.get(this.chosen.index)
    if (chosen) this.root.setAttribute('aria-activedescendant', chosen.id)
    else this.root.removeAttribute('aria-activedescendant')
  }

  paintRow(index, y) {
    let element = this.rows.get(index)
    if (!element) {
      element = this.spare.pop() ?? this.space.appendChild(this.make())
      element.id ||= `row-${this.space.childElementCount}`
      element.hidden = false
      element.entry = undefined
      this.rows.set(index, element)
    }
    const entry = this.at(index)
    if (element.entry !== entry || element.index !== index) {
      element.index = index
      element.entry = entry ?? null
      element.ariaPosInSet = index + 1
      this.draw(element, entry)
    }
    const selected = String(Boolean(this.chosen && entry && this.keyOf(entry) === this.chosen.key))
    if (element.ariaSetSize !== String(this.total)) element.ariaSetSize = this.total
    if (element.ariaSelected !== selected) element.ariaSelected = selected
    element.style.transform = `translateY(${y}px)`
  }

  async load(number) {
    const known = this.stretches.get(number)
    if (known) {
      this.stretches.delete(number) // and to the end: it was used
      this.stretches.set(number, known)
      return
    }
    if (this.asked.has(number) || this.asked.size >= AT_ONCE) return // once one is here, `paint` asks for what is then in sight
    this.asked.add(number)
    const { epoch } = this
    try {
      const entries = await this.fetch(this.anchor, number * STRETCH, STRETCH)
      if (epoch !== this.epoch) return
      this.stretches.set(number, entries)
      for (const key of this.stretches.keys()) {
        if (this.stretches.size <= KEPT) break
        this.stretches.delete(key)
      }
    } catch (error) {
      if (epoch === this.epoch) this.onError(error)
    } finally {
      if (epoch === this.epoch) this.asked.delete(number)
    }
    if (epoch === this.epoch && this.stretches.has(number)) this.later()
  }

  clicked(event) {
    const element = event.target.closest('[role=option]')
    if (!element?.entry || String(getSelection())) return
    this.choose(element.index)
    this.onOpen(element.entry)
  }
}
