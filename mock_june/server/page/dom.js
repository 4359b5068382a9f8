// Elements out of data. Whatever comes from a payload becomes a text node or an attribute, never markup.

const SVG = 'http://www.w3.org/2000/svg'

// C0, DEL and C1 controls, separators and bidirectional marks: what would not show, or make its neighbours show elsewhere.
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/g

/** The text with each character that cannot be seen written as `write(c)` has it: as \uNNNN, if not given. */
export const seen = (text, write = (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) => String(text).replace(UNSEEN, write)

/** An element. Of `props`, functions are listeners, true and false set or leave an attribute, all else is an attribute's text. */
export function h(tag, props = {}, ...children) {
  return filled(document.createElement(tag), props, children)
}

/** The same of SVG. */
export function svg(tag, props = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), props, children)
}

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === 'function') element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value != null) element.setAttribute(name, value)
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false))
  return element
}

export const byId = (id) => document.getElementById(id)

/** Numbers as people read them: 1,234,567. */
export const number = (value) => value.toLocaleString('en-US')

/** "1 event", "2 events". */
export const several = (count, what) => `${number(count)} ${what}${count === 1 ? '' : 's'}`

/** Bytes as people read them. */
export function bytes(count) {
  if (count < 1000) return several(count, 'byte')
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`
}

/** A moment as a <time>, in UTC. `at` is RFC 3339. */
export const time = (at) => h('time', { datetime: at }, `${at.slice(0, 10)} ${at.slice(11, 23)} UTC`)

const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' })

// On hover, a <time> has the local time too: made then, since making it takes as long as all the rest of a row.
document.addEventListener('pointerover', ({ target }) => {
  if (target.tagName === 'TIME') target.title = `${local.format(new Date(target.dateTime))} (local)\n${target.dateTime} (UTC)`
})

let shown = 0

/** A word at the screen's edge, for some seconds. */
export function toast(text) {
  byId('toast').textContent = text
  clearTimeout(shown)
  shown = setTimeout(() => { byId('toast').textContent = '' }, 2500)
}

/** Puts a text on the clipboard, and says so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text)
  } catch { // no clipboard outside a secure context: the old way
    const area = h('textarea', { class: 'sr', 'aria-hidden': 'true' })
    area.value = text
    const home = document.querySelector('dialog[open]') ?? document.body
    home.append(area)
    area.select()
    document.execCommand('copy')
    area.remove()
  }
  toast(`${what} copied`)
}
